# The library's ISO at this UNC path, or null.
function Select-CapsIso {
  [CmdletBinding()]
  param([Parameter(Mandatory)] [string] $SharePath)
  foreach ($iso in @(Get-SCISO)) {
    if ($null -ne $iso -and [string]$iso.SharePath -eq $SharePath -and
      -not (Get-CapsProperty -InputObject $iso -Name 'MarkedForDeletion')) {
      return $iso
    }
  }
  return $null
}
