# A VM network by name or id. Among several of one name, the one that the clusters of the host group and its children reach.
function Select-CapsNetwork {
  [CmdletBinding()]
  param(
    [Parameter(Mandatory)] [string] $Name,
    [Parameter(Mandatory)] [string] $Field,
    [AllowNull()] [object] $HostGroup
  )
  $guid = [guid]::Empty
  if ([guid]::TryParse($Name, [ref]$guid)) {
    return Select-CapsReference -InputObject @(Get-SCVMNetwork -ID $guid) -Field $Field -Value $Name
  }
  $found = @(Get-SCVMNetwork -Name $Name)
  if ($found.Count -gt 1 -and $null -ne $HostGroup) {
    $root = [string]$HostGroup.Path
    $reached = @(
      foreach ($group in @(Get-SCVMHostGroup)) {
        if ([string]$group.Path -ne $root -and -not ([string]$group.Path).StartsWith("$root\")) { continue }
        foreach ($cluster in @(Get-SCVMHostCluster -VMHostGroup $group)) {
          foreach ($network in @(Get-SCVirtualNetwork -VMHostCluster $cluster)) {
            foreach ($logical in @(Get-CapsProperty -InputObject $network -Name 'LogicalNetworks')) {
              if ($null -ne $logical) { $logical.ID.ToString() }
            }
          }
        }
      }
    )
    $near = @($found | Where-Object -FilterScript { $reached -contains $_.LogicalNetwork.ID.ToString() })
    if ($near.Count -gt 0) { $found = $near }
  }
  return Select-CapsReference -InputObject $found -Field $Field -Value $Name
}
