# A host group by path, name or id.
function Resolve-CapsHostGroup {
  [CmdletBinding()]
  param([Parameter(Mandatory)] [string] $Name)
  $groups = @(Get-SCVMHostGroup)
  foreach ($group in $groups) {
    if ($null -ne $group -and [string]$group.Path -eq $Name) { return $group }
  }
  return Select-CapsReference -InputObject $groups -Field 'hostGroup' -Value $Name
}
