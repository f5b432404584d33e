#Requires -Version 7.2
#Requires -Modules Microsoft.Graph.Authentication, Microsoft.Graph.Applications
<#
.SYNOPSIS
Makes the registration that people sign in to for Holdfast's admin page.

.DESCRIPTION
Two roles: Holdfast.Reader sees the status and plans, Holdfast.Admin also applies. Whoever has neither does not come in. There is
no secret: the app proves who it is by its managed identity. Says first what it is going to do, then does it, asking before each
step; -WhatIf only says it. Safe to run again. Prints the client id at the end, for `azd env set HOLDFAST_SIGN_IN_CLIENT_ID`.

Whoever runs it is an Application Administrator.

.EXAMPLE
./infra/sign-in.ps1 -HostName (azd env get-value HOLDFAST_HOST) -PrincipalId (azd env get-value HOLDFAST_IDENTITY)
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
param(
    # The app's host name, which azd calls HOLDFAST_HOST.
    [Parameter(Mandatory)]
    [string] $HostName,

    # Object id of the app's identity, which azd calls HOLDFAST_IDENTITY.
    [Parameter(Mandatory)]
    [guid] $PrincipalId
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$Name = "Holdfast ($HostName)"
$Redirect = "https://$HostName/.auth/login/aad/callback"
$Roles = @(
    @{
        Id = '0b0d9c4e-6a0f-4a53-9b8e-6f3d52a1c7f1'; Value = 'Holdfast.Reader'; DisplayName = 'Reader'
        Description = 'Sees the status and plans.'; AllowedMemberTypes = @('User'); IsEnabled = $true
    }
    @{
        Id = '5d8e2f67-3c41-4f0a-8f7d-2b94e0d6a3c2'; Value = 'Holdfast.Admin'; DisplayName = 'Admin'
        Description = 'Sees the status and plans, and applies them.'; AllowedMemberTypes = @('User'); IsEnabled = $true
    }
)

Connect-MgGraph -NoWelcome -Scopes 'Application.ReadWrite.All'
$tenant = (Get-MgContext).TenantId
$app = Get-MgApplication -Filter "displayName eq '$Name'" -All | Select-Object -First 1

Write-Output "The registration `"$Name`" with the roles $($Roles.Value -join ', '), signing in back to $Redirect, as identity $PrincipalId."
if (-not $app -and $PSCmdlet.ShouldProcess($Name, 'make the registration with its roles')) {
    $app = New-MgApplication -BodyParameter @{
        displayName    = $Name
        signInAudience = 'AzureADMyOrg'
        appRoles       = $Roles
        web            = @{ redirectUris = @($Redirect); implicitGrantSettings = @{ enableIdTokenIssuance = $true } }
    }
}
if (-not $app) { return }  # -WhatIf, or a no: the rest is about the registration

$proof = @{
    name      = 'holdfast-identity'
    issuer    = "https://login.microsoftonline.com/$tenant/v2.0"
    subject   = "$PrincipalId"
    audiences = @('api://AzureADTokenExchange')
}
$proven = @(Get-MgApplicationFederatedIdentityCredential -ApplicationId $app.Id) | Where-Object Subject -EQ $proof.subject
if (-not $proven -and $PSCmdlet.ShouldProcess($Name, 'let the identity prove who it is, instead of a secret')) {
    New-MgApplicationFederatedIdentityCredential -ApplicationId $app.Id -BodyParameter $proof | Out-Null
}

$principal = Get-MgServicePrincipal -Filter "appId eq '$($app.AppId)'"
if (-not $principal -and $PSCmdlet.ShouldProcess($Name, 'make it an enterprise application, open only to those who have a role')) {
    New-MgServicePrincipal -BodyParameter @{ appId = $app.AppId; appRoleAssignmentRequired = $true } | Out-Null
}
elseif ($principal -and -not $principal.AppRoleAssignmentRequired -and $PSCmdlet.ShouldProcess($Name, 'open it only to those who have a role')) {
    Update-MgServicePrincipal -ServicePrincipalId $principal.Id -BodyParameter @{ appRoleAssignmentRequired = $true }
}
Write-Output $app.AppId
