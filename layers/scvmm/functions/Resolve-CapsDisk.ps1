# The objects that a disk of the spec names: library disk and storage policy. An entry without size and disk gives null.
function Resolve-CapsDisk {
  [CmdletBinding()]
  param(
    [Parameter(Mandatory)] [hashtable] $Disk,
    [Parameter(Mandatory)] [int] $Index
  )
  $library = [string]$Disk['VHDisk']
  $size = [long]$Disk['SizeMB']
  if ($library -eq '' -and $size -eq 0) { return $null }
  $resolved = @{
    SizeMB = $size
    Dynamic = [bool]$Disk['Dynamic']
    VolumeType = [string]$Disk['VolumeType']
    VirtualHardDisk = $null
    StorageQoSPolicy = $null
  }
  if ($library -ne '') {
    $resolved['VirtualHardDisk'] = Select-CapsHardDisk -Name $library -Field "disks[$Index].vhDisk"
  }
  $policy = [string]$Disk['StorageQoSPolicy']
  if ($policy -ne '') {
    $resolved['StorageQoSPolicy'] = Select-CapsReference -InputObject @(Get-SCStorageQoSPolicy) `
      -Field "disks[$Index].storageQoSPolicy" -Value $policy
  }
  return $resolved
}
