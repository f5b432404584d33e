#Requires -Version 7.2
#Requires -Modules Microsoft.Graph.Authentication, Microsoft.Graph.Applications, ExchangeOnlineManagement
<#
.SYNOPSIS
Grants Holdfast's identity what it needs of Microsoft 365, and no more.

.DESCRIPTION
Says first what it is going to do, then does it, asking before each step. -WhatIf only says it; -Confirm:$false does not ask.
What is there already is left alone, so it is safe to run again, such as after a group was added or a version asks for more.

With -AudienceGroup, what concerns mailboxes is granted in Exchange Online for the members of these groups and for the
organizer alone ("RBAC for Applications"), and taken back in Entra, where it would be for every mailbox: permissions add up.
Exchange counts direct members only: name the nested groups as well. A change there takes up to two hours to be in force.

With -EveryMailbox, everything is granted in Entra, for every mailbox of the tenant.

Permissions and what each is for: docs/permissions.md. Whoever runs it is a Privileged Role Administrator, and for
-AudienceGroup an Exchange Administrator.

.EXAMPLE
./infra/grant.ps1 -PrincipalId (azd env get-value HOLDFAST_IDENTITY) -AudienceGroup alla@fjallvik.example -Organizer larande@fjallvik.example -WhatIf

.EXAMPLE
./infra/grant.ps1 -PrincipalId (azd env get-value HOLDFAST_IDENTITY) -EveryMailbox
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High', DefaultParameterSetName = 'Audience')]
param(
    # Object id of the identity, which azd calls HOLDFAST_IDENTITY.
    [Parameter(Mandatory)]
    [guid] $PrincipalId,

    # Mail addresses of the groups whose members get learning time.
    [Parameter(Mandatory, ParameterSetName = 'Audience')]
    [string[]] $AudienceGroup,

    # The mailbox of tenant.organizer, which sends notes. Without it no mail can be sent.
    [Parameter(ParameterSetName = 'Audience')]
    [string] $Organizer,

    # Grant everything for every mailbox of the tenant.
    [Parameter(Mandatory, ParameterSetName = 'Everybody')]
    [switch] $EveryMailbox
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

# Granted in Entra: they are about groups and accounts, and cannot be limited.
$OfTheDirectory = @(
    'GroupMember.Read.All'
    'User.Read.All'
)

# Granted in Exchange Online for the audience and the organizer.
$OfAudiences = @(
    'MailboxSettings.Read'
    'Calendars.ReadWrite'
    'Calendars.Read'
)

# Granted in Exchange Online for the organizer alone.
$OfTheOrganizer = @(
    'Mail.Send'
)

$GraphAppId = '00000003-0000-0000-c000-000000000000'
$AudienceScope = "Holdfast audience $PrincipalId"
$OrganizerScope = "Holdfast organizer $PrincipalId"

$Steps = [System.Collections.Generic.List[object]]::new()
function Add-Step([string] $On, [string] $Does, [scriptblock] $Act) {
    $Steps.Add([pscustomobject]@{ On = $On; Does = $Does; Act = $Act })
}

# A filter of Exchange's quotes text with ' and a ' in it with ''.
function Format-Quoted([string] $Text) { "'" + $Text.Replace("'", "''") + "'" }

function Add-DirectoryStep([object] $Identity, [object] $Graph, [string[]] $Wanted, [string[]] $Unwanted) {
    $held = @(Get-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $Identity.Id -All | Where-Object ResourceId -EQ $Graph.Id)
    foreach ($name in $Wanted + $Unwanted) {
        $role = $Graph.AppRoles | Where-Object { $_.Value -eq $name -and $_.AllowedMemberTypes -contains 'Application' }
        if (-not $role) { throw "Microsoft Graph has no application permission called $name." }
        $assignment = $held | Where-Object AppRoleId -EQ $role.Id | Select-Object -First 1
        if ($name -in $Wanted -and -not $assignment) {
            $grant = @{ PrincipalId = $Identity.Id; ResourceId = $Graph.Id; AppRoleId = $role.Id }
            Add-Step $Identity.DisplayName "grant $name in Entra" {
                New-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $grant.PrincipalId -BodyParameter $grant | Out-Null
            }.GetNewClosure()
        }
        if ($name -in $Unwanted -and $assignment) {
            $taken = @{ ServicePrincipalId = $Identity.Id; AppRoleAssignmentId = $assignment.Id }
            Add-Step $Identity.DisplayName "take back $name in Entra, where it is for every mailbox" {
                Remove-MgServicePrincipalAppRoleAssignment @taken
            }.GetNewClosure()
        }
    }
}

function Add-ScopeStep([string] $Name, [string] $Filter) {
    $scope = Get-ManagementScope -Identity $Name -ErrorAction SilentlyContinue
    if (-not $scope) {
        Add-Step $Name "make the scope: $Filter" {
            New-ManagementScope -Name $Name -RecipientRestrictionFilter $Filter | Out-Null
        }.GetNewClosure()
    }
    elseif (($scope.RecipientFilter -replace '[()\s]') -ne ($Filter -replace '[()\s]')) {
        # Exchange gives filters back with spaces and brackets of its own.
        Add-Step $Name "change the scope from $($scope.RecipientFilter) to $Filter" {
            Set-ManagementScope -Identity $Name -RecipientRestrictionFilter $Filter
        }.GetNewClosure()
    }
}

function Add-MailboxStep([object] $Identity, [object[]] $Held, [string[]] $Wanted, [string] $Scope) {
    foreach ($name in $Wanted) {
        $role = "Application $name"
        if (-not ($Held | Where-Object { $_.Role -eq $role -and $_.CustomResourceScope -eq $Scope })) {
            $grant = @{ App = $Identity.Id; Role = $role; CustomResourceScope = $Scope }
            Add-Step $Identity.DisplayName "grant $name in Exchange Online for `"$Scope`"" {
                New-ManagementRoleAssignment @grant | Out-Null
            }.GetNewClosure()
        }
    }
}

Connect-MgGraph -NoWelcome -Scopes 'Application.Read.All', 'AppRoleAssignment.ReadWrite.All'
$identity = Get-MgServicePrincipal -ServicePrincipalId $PrincipalId
$graph = Get-MgServicePrincipal -Filter "appId eq '$GraphAppId'"

if ($EveryMailbox) {
    Add-DirectoryStep $identity $graph ($OfTheDirectory + $OfAudiences + $OfTheOrganizer) @()
}
else {
    Add-DirectoryStep $identity $graph $OfTheDirectory ($OfAudiences + $OfTheOrganizer)
    Connect-ExchangeOnline -ShowBanner:$false
    $held = @()
    if (Get-ServicePrincipal | Where-Object AppId -EQ $identity.AppId) {
        $held = @(Get-ManagementRoleAssignment -RoleAssignee $identity.Id -ErrorAction SilentlyContinue)
    }
    else {
        $known = @{ AppId = $identity.AppId; ObjectId = $identity.Id; DisplayName = $identity.DisplayName }
        Add-Step $identity.DisplayName 'make it known to Exchange Online' { New-ServicePrincipal @known | Out-Null }.GetNewClosure()
    }
    $whom = @($AudienceGroup | ForEach-Object {
            $group = Get-Recipient -Identity $_
            if ($group.RecipientType -notlike 'Mail*Group') { throw "$_ is not a group with a mail address." }
            "MemberOfGroup -eq $(Format-Quoted $group.DistinguishedName)"
        })
    if ($Organizer) {
        $address = (Get-Recipient -Identity $Organizer).PrimarySmtpAddress
        $alone = "PrimarySmtpAddress -eq $(Format-Quoted $address)"
        $whom += $alone
        Add-ScopeStep $OrganizerScope $alone
        Add-MailboxStep $identity $held $OfTheOrganizer $OrganizerScope
    }
    Add-ScopeStep $AudienceScope ($whom -join ' -or ')
    Add-MailboxStep $identity $held $OfAudiences $AudienceScope
}

if (-not $Steps.Count) {
    Write-Output 'Nothing to do: everything is granted as asked for.'
    return
}
Write-Output "For $($identity.DisplayName), $($Steps.Count) steps:"
$Steps | ForEach-Object { Write-Output "  $($_.Does)" }
foreach ($step in $Steps) {
    if ($PSCmdlet.ShouldProcess($step.On, $step.Does)) { & $step.Act }
}
