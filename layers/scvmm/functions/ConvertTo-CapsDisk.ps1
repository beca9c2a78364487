# A virtual disk drive with its disk as schemas/vmm/VirtualMachine.ts describes it.
function ConvertTo-CapsDisk {
  [CmdletBinding()]
  param([Parameter(Mandatory)] [object] $Drive)
  $disk = Get-CapsProperty -InputObject $Drive -Name 'VirtualHardDisk'
  $location = [string](Get-CapsProperty -InputObject $disk -Name 'Location')
  if ($location -eq '') { $location = [string](Get-CapsProperty -InputObject $disk -Name 'SharePath') }
  $fileName = [System.IO.Path]::GetFileName($location)
  if ($fileName -eq '') { $fileName = [string](Get-CapsProperty -InputObject $disk -Name 'Name') }
  return [pscustomobject][ordered]@{
    Id = $Drive.ID.ToString()
    BusType = $Drive.BusType.ToString()
    Bus = [int]$Drive.Bus
    Lun = [int]$Drive.Lun
    FileName = $fileName
    Size = [long](Get-CapsProperty -InputObject $disk -Name 'Size')
    MaximumSize = [long](Get-CapsProperty -InputObject $disk -Name 'MaximumSize')
  }
}
