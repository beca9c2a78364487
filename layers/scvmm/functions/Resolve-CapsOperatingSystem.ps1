# The operating system by name; without one, that of the last library disk, else Other Linux (64 bit).
function Resolve-CapsOperatingSystem {
  [CmdletBinding()]
  param(
    [AllowNull()] [AllowEmptyString()] [string] $Name,
    [AllowEmptyCollection()] [AllowNull()] [object[]] $Disks
  )
  if ($Name -eq '') {
    $known = $null
    foreach ($disk in @($Disks)) {
      if ($null -eq $disk) { continue }
      $system = Get-CapsProperty -InputObject $disk['VirtualHardDisk'] -Name 'OperatingSystem'
      if ($null -ne $system) { $known = $system }
    }
    if ($null -ne $known) { return $known }
    $Name = 'Other Linux (64 bit)'
  }
  return Select-CapsReference -InputObject @(Get-SCOperatingSystem) -Field 'operatingSystem' -Value $Name
}
