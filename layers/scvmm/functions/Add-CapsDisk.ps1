# Adds one disk to the job group: disk i on LUN i, the first of a generation 1 VM on IDE.
function Add-CapsDisk {
  [CmdletBinding()]
  param(
    [Parameter(Mandatory)] [hashtable] $Disk,
    [Parameter(Mandatory)] [int] $Index,
    [Parameter(Mandatory)] [int] $Generation,
    [Parameter(Mandatory)] [string] $Name,
    [Parameter(Mandatory)] [guid] $JobGroup
  )
  $volumeType = $Disk['VolumeType']
  if ($volumeType -eq '') {
    $volumeType = if ($Index -eq 0) { 'BootAndSystem' } elseif ($Generation -ge 2) { 'System' } else { 'None' }
  }
  $common = @{
    JobGroup = $JobGroup
    Bus = [byte]0
    LUN = [byte]$Index
    FileName = "$($Name)_disk_$($Index + 1)"
    VolumeType = $volumeType
  }
  if ($null -ne $Disk['StorageQoSPolicy']) { $common['StorageQoSPolicy'] = $Disk['StorageQoSPolicy'] }
  $bus = if ($Index -eq 0 -and $Generation -lt 2) { @{ IDE = $true } } else { @{ SCSI = $true } }
  if ($null -ne $Disk['VirtualHardDisk']) {
    $null = New-SCVirtualDiskDrive @common @bus -VirtualHardDisk $Disk['VirtualHardDisk'] -CreateDiffDisk $false
  } elseif ($Disk['Dynamic']) {
    $null = New-SCVirtualDiskDrive @common @bus -Dynamic -VirtualHardDiskSizeMB $Disk['SizeMB']
  } else {
    $null = New-SCVirtualDiskDrive @common @bus -Fixed -VirtualHardDiskSizeMB $Disk['SizeMB']
  }
}
