# The logical networks that host clusters carry, each once: clusters of the host group and its children, without one those
# of the cloud's host groups. Stand-alone hosts give none.
function Get-CapsLogicalNetwork {
  [CmdletBinding()]
  param(
    [Parameter(Mandatory)] [AllowNull()] [object] $HostGroup,
    [Parameter(Mandatory)] [AllowNull()] [object] $Cloud
  )
  $bounds = if ($null -ne $HostGroup) { @($HostGroup) } else { @(Get-CapsProperty -InputObject $Cloud -Name 'HostGroup') }
  # Keys are text: a Guid that comes from elsewhere may be a string.
  $clusters = [ordered]@{}
  foreach ($group in @(Get-SCVMHostGroup)) {
    if ($null -eq $group) { continue }
    $path = [string]$group.Path
    foreach ($bound in $bounds) {
      if ($null -eq $bound) { continue }
      $root = [string]$bound.Path
      if ($path -ne $root -and -not $path.StartsWith("$root\", [System.StringComparison]::OrdinalIgnoreCase)) { continue }
      foreach ($cluster in @(Get-SCVMHostCluster -VMHostGroup $group)) {
        if ($null -ne $cluster) { $clusters[$cluster.ID.ToString()] = $cluster }
      }
      break
    }
  }
  $carried = [ordered]@{}
  foreach ($cluster in $clusters.Values) {
    foreach ($virtualSwitch in @(Get-SCVirtualNetwork -VMHostCluster $cluster)) {
      foreach ($logical in @(Get-CapsProperty -InputObject $virtualSwitch -Name 'LogicalNetworks')) {
        if ($null -ne $logical) { $carried[$logical.ID.ToString()] = $logical }
      }
    }
  }
  return @($carried.Values)
}
