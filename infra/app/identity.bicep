@description('Name of the identity.')
param name string

@description('Azure region.')
param location string

@description('Marks of the environment.')
param tags object

// As this the app signs in everywhere: to Graph, to storage, to Key Vault and to Application Insights. There is no secret.
resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: name
  location: location
  tags: tags
}

output id string = identity.id
output clientId string = identity.properties.clientId
output principalId string = identity.properties.principalId
