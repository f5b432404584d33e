@description('What makes names unique.')
param token string

@description('Azure region.')
param location string

@description('Marks of the environment.')
param tags object

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: 'log-holdfast-${token}'
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: 30
  }
}

// Without local authentication nobody writes here by the connection string alone.
resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-holdfast-${token}'
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    DisableLocalAuth: true
  }
}

output insightsName string = insights.name
output connection string = insights.properties.ConnectionString
