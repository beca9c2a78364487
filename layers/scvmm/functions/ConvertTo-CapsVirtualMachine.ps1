# A VM as schemas/vmm/VirtualMachine.ts describes it: flat, lists as lists, enumerations by name.
function ConvertTo-CapsVirtualMachine {
  [CmdletBinding()]
  param([Parameter(Mandatory)] [object] $VirtualMachine)
  $document = [ordered]@{
    Id = $VirtualMachine.ID.ToString()
    Name = [string]$VirtualMachine.Name
    Description = [string]$VirtualMachine.Description
    Status = $VirtualMachine.Status.ToString()
    VirtualMachineState = $VirtualMachine.VirtualMachineState.ToString()
    Generation = [int](Get-CapsProperty -InputObject $VirtualMachine -Name 'Generation')
    CPUCount = [int](Get-CapsProperty -InputObject $VirtualMachine -Name 'CPUCount')
    MemoryMB = [int](Get-CapsProperty -InputObject $VirtualMachine -Name 'Memory')
    NetworkAdapters = @(
      foreach ($adapter in @(Get-CapsProperty -InputObject $VirtualMachine -Name 'VirtualNetworkAdapters')) {
        if ($null -ne $adapter) { ConvertTo-CapsNetworkAdapter -Adapter $adapter }
      }
    )
    Disks = @(
      foreach ($drive in @(Get-CapsProperty -InputObject $VirtualMachine -Name 'VirtualDiskDrives')) {
        if ($null -ne $drive) { ConvertTo-CapsDisk -Drive $drive }
      }
    )
    DvdDrives = @(
      foreach ($drive in @(Get-CapsProperty -InputObject $VirtualMachine -Name 'VirtualDVDDrives')) {
        if ($null -eq $drive) { continue }
        $dvd = [ordered]@{ Bus = [int]$drive.Bus; Lun = [int]$drive.Lun }
        $medium = Get-CapsMediumName -Iso (Get-CapsProperty -InputObject $drive -Name 'ISO')
        if ($medium -ne '') { $dvd['IsoFileName'] = $medium }
        [pscustomobject]$dvd
      }
    )
  }
  # VMM's property on the left: the document's key on the right, left out when there is no value.
  $texts = [ordered]@{
    VMId = 'VMId'
    BiosGuid = 'BiosGuid'
    HostName = 'HostName'
    ComputerNameString = 'ComputerName'
  }
  foreach ($entry in $texts.GetEnumerator()) {
    $text = [string](Get-CapsProperty -InputObject $VirtualMachine -Name $entry.Key)
    if ($text -ne '') { $document[$entry.Value] = $text }
  }
  $cloud = Get-CapsProperty -InputObject $VirtualMachine -Name 'Cloud'
  $cloudName = [string](Get-CapsProperty -InputObject $cloud -Name 'Name')
  if ($cloudName -ne '') { $document['Cloud'] = $cloudName }
  foreach ($name in @('CreationTime', 'ModifiedTime')) {
    $time = ConvertTo-CapsTime -Time (Get-CapsProperty -InputObject $VirtualMachine -Name $name)
    if ($null -ne $time) { $document[$name] = $time }
  }
  $job = Get-CapsProperty -InputObject $VirtualMachine -Name 'MostRecentTask'
  if ($null -ne $job) { $document['Job'] = ConvertTo-CapsJob -Job $job }
  return [pscustomobject]$document
}
