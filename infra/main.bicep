targetScope = 'subscription'

@minLength(1)
@maxLength(32)
@description('Name of the environment: `azd` asks for it and marks everything with it.')
param environmentName string

@minLength(1)
@description('Azure region of everything. Flex Consumption is not in all of them.')
param location string

@description('Object id of whoever deploys: may set secrets, write the settings file and read state. Empty: nobody may.')
param principalId string = ''

@allowed(['User', 'Group', 'ServicePrincipal'])
@description('What principalId is.')
param principalType string = 'User'

@description('Client id of the registration that people sign in to for the admin page, made by sign-in.ps1. Empty: the page is shut.')
param signInClientId string = ''

@description('Whether Graph tells the app of changes at its own address. false: the settings file decides.')
param notified bool = true

@description('Ids of the channels with `via: workflow`, with commas between. The address of each is the secret holdfast-workflow-<id>.')
param workflowChannels string = ''

@description('While the key is replaced: the secret holdfast-key-previous holds the one before.')
param keyPrevious bool = false

@minValue(1)
@maxValue(250)
@description('Most instances of each function group. The reasoning is in docs/deploy.md.')
param maximumInstanceCount int = 40

var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName }

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'app/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: 'id-holdfast-${token}'
    location: location
    tags: tags
  }
}

module storage 'app/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    name: 'st${token}'
    location: location
    tags: tags
  }
}

module vault 'app/vault.bicep' = {
  name: 'vault'
  scope: group
  params: {
    name: 'kv-${token}'
    location: location
    tags: tags
  }
}

module monitoring 'app/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
  }
}

module access 'app/access.bicep' = {
  name: 'access'
  scope: group
  params: {
    storageName: storage.outputs.name
    vaultName: vault.outputs.name
    insightsName: monitoring.outputs.insightsName
    appPrincipalId: identity.outputs.principalId
    principalId: principalId
    principalType: principalType
  }
}

module app 'app/app.bicep' = {
  name: 'app'
  scope: group
  params: {
    name: 'func-holdfast-${token}'
    planName: 'plan-holdfast-${token}'
    location: location
    tags: tags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    storageName: storage.outputs.name
    packagesContainer: storage.outputs.packagesContainer
    settingsUrl: storage.outputs.settingsUrl
    vaultUri: vault.outputs.uri
    insightsConnection: monitoring.outputs.connection
    signInClientId: signInClientId
    notified: notified
    workflowChannels: workflowChannels
    keyPrevious: keyPrevious
    maximumInstanceCount: maximumInstanceCount
  }
  dependsOn: [access]
}

output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output HOLDFAST_APP string = app.outputs.name
output HOLDFAST_HOST string = app.outputs.host
output HOLDFAST_IDENTITY string = identity.outputs.principalId
output HOLDFAST_STORAGE string = storage.outputs.name
output HOLDFAST_VAULT string = vault.outputs.name
