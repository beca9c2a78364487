# Connects the session to the VMM server, with credentials of its own: a remote session has none for a second hop. Also clears
# this host of media that killed imports left.
function Connect-CapsServer {
  [CmdletBinding()]
  param(
    [Parameter(Mandatory)] [string] $VMMServer,
    [Parameter(Mandatory)] [pscredential] $Credential
  )
  Set-StrictMode -Version 'Latest'
  $ErrorActionPreference = 'Stop'
  $ProgressPreference = 'SilentlyContinue'
  try {
    if ($null -eq (Get-Module -Name 'VirtualMachineManager')) {
      Import-Module -Name 'VirtualMachineManager'
    }
    # The connection becomes the runspace's default for every later cmdlet.
    $server = Get-SCVMMServer -ComputerName $VMMServer -Credential $Credential
    Remove-CapsStaleMedium
    $document = [ordered]@{
      Name = [string]$server.Name
      ProductVersion = [string](Get-CapsProperty -InputObject $server -Name 'ProductVersion')
      ModuleVersion = '1.0.0'
      ComputerName = [System.Environment]::MachineName
    }
    $role = Get-CapsProperty -InputObject $server -Name 'UserRole'
    $roleName = [string](Get-CapsProperty -InputObject $role -Name 'Name')
    if ($roleName -eq '') { $roleName = [string]$role }
    if ($roleName -ne '') { $document['UserRole'] = $roleName }
    ConvertTo-Json -InputObject ([pscustomobject]$document) -Compress -Depth 2
  } catch {
    $PSCmdlet.ThrowTerminatingError($_)
  }
}
