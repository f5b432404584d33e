@description('Name of the function app.')
param name string

@description('Name of its plan.')
param planName string

@description('Azure region.')
param location string

@description('Marks of the environment.')
param tags object

@description('Resource id of the app\'s identity.')
param identityId string

@description('Client id of the app\'s identity.')
param identityClientId string

@description('Name of the storage account.')
param storageName string

@description('Name of the container that the package is put in.')
param packagesContainer string

@description('Address of the settings file.')
param settingsUrl string

@description('Address of the vault, with a slash at its end.')
param vaultUri string

@description('Connection string of Application Insights. It lets nobody in: writing takes the identity.')
param insightsConnection string

@description('Client id of the registration for signing in; empty: whatever needs a sign-in is shut.')
param signInClientId string

@description('Whether Graph tells the app of changes at its own address.')
param notified bool

@description('Ids of the channels with `via: workflow`, with commas between.')
param workflowChannels string

@description('Whether the key is being replaced.')
param keyPrevious bool

@description('Most instances of each function group.')
param maximumInstanceCount int

// Graph and uptime monitors cannot sign in. What comes here is checked by the functions themselves.
var openPaths = [
  '/api/notifications'
  '/api/lifecycle'
  '/api/health'
]

var secrets = '${vaultUri}secrets'

var ofTheHost = {
  AzureWebJobsStorage__accountName: storageName
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnection
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
}

var ofTheProduct = {
  AZURE_CLIENT_ID: identityClientId
  HOLDFAST_SETTINGS: settingsUrl
  HOLDFAST_STATE: 'https://${storageName}.table.${environment().suffixes.storage}'
  HOLDFAST_QUEUES: 'https://${storageName}.queue.${environment().suffixes.storage}'
  HOLDFAST_KEY: '@Microsoft.KeyVault(SecretUri=${secrets}/holdfast-key)'
  HOLDFAST_TENANT_ID: tenant().tenantId
  HOLDFAST_CLIENT_ID: identityClientId
  HOLDFAST_CREDENTIAL: 'managed-identity'
}

var ofReplacingTheKey = keyPrevious ? {
  HOLDFAST_KEY_PREVIOUS: '@Microsoft.KeyVault(SecretUri=${secrets}/holdfast-key-previous)'
} : {}

var ofNotifications = notified ? {
  HOLDFAST_NOTIFICATION_URL: 'https://${app.properties.defaultHostName}/api/notifications'
} : {}

// The sign-in proves who it is as the identity, by a federated credential of the registration, and not by a secret.
var ofSigningIn = empty(signInClientId) ? {} : {
  OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: identityClientId
}

// The settings call the variable by the channel's id in capitals, with _ for -.
var channels = empty(workflowChannels) ? [] : split(replace(workflowChannels, ' ', ''), ',')
var ofWorkflows = toObject(
  channels,
  channel => format('HOLDFAST_WORKFLOW_{0}', toUpper(replace(channel, '-', '_'))),
  channel => '@Microsoft.KeyVault(SecretUri=${secrets}/holdfast-workflow-${channel})'
)

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'app' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    siteConfig: { minTlsVersion: '1.2' }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: 'https://${storageName}.blob.${environment().suffixes.storage}/${packagesContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      scaleAndConcurrency: {
        maximumInstanceCount: maximumInstanceCount
        instanceMemoryMB: 2048
        // Graph gives an address ten seconds to answer, and slows down one that often takes three.
        alwaysReady: [{ name: 'http', instanceCount: 1 }]
      }
      runtime: { name: 'python', version: '3.12' }
    }
  }
}

resource appSettings 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: app
  name: 'appsettings'
  properties: union(ofTheHost, ofTheProduct, ofReplacingTheKey, ofNotifications, ofSigningIn, ofWorkflows)
}

// Where there is no registration yet, nothing behind the sign-in can be reached at all.
resource signIn 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: { enabled: true }
    httpSettings: { requireHttps: true }
    globalValidation: {
      requireAuthentication: true
      unauthenticatedClientAction: empty(signInClientId) ? 'Return401' : 'RedirectToLoginPage'
      redirectToProvider: 'azureactivedirectory'
      excludedPaths: openPaths
    }
    identityProviders: empty(signInClientId) ? {} : {
      azureActiveDirectory: {
        enabled: true
        registration: {
          openIdIssuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
          clientId: signInClientId
          clientSecretSettingName: 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID'
        }
        validation: { allowedAudiences: [signInClientId] }
      }
    }
  }
  dependsOn: [appSettings]
}

output name string = app.name
output host string = app.properties.defaultHostName
