@description('Name of the account: 3 to 24 lower-case letters and digits.')
param name string

@description('Azure region.')
param location string

@description('Marks of the environment.')
param tags object

// Tables hold the state, queues the work, blobs the package, the settings file and the locks of the Functions host.
resource account 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: 'Standard_LRS' }
  kind: 'StorageV2'
  properties: {
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }
}

// What is overwritten can be had back for two weeks: yesterday's settings file among it.
resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2023-05-01' = {
  parent: account
  name: 'default'
  properties: {
    deleteRetentionPolicy: { enabled: true, days: 14 }
  }
}

resource packagesContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' = {
  parent: blobs
  name: 'packages'
}

resource settingsContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' = {
  parent: blobs
  name: 'settings'
}

output name string = account.name
output packagesContainer string = packagesContainer.name
output settingsUrl string = '${account.properties.primaryEndpoints.blob}${settingsContainer.name}/settings.yaml'
