@description('Name of the vault: 24 characters at most.')
param name string

@description('Azure region.')
param location string

@description('Marks of the environment.')
param tags object

// Holds holdfast-key, and holdfast-workflow-<id> for each channel that is posted to by a workflow.
resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
  }
}

output name string = vault.name
output uri string = vault.properties.vaultUri
