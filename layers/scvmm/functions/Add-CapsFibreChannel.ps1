# Adds one fibre channel adapter to the job group, never to a template of the user.
function Add-CapsFibreChannel {
  [CmdletBinding()]
  param(
    [Parameter(Mandatory)] [hashtable] $Adapter,
    [Parameter(Mandatory)] [guid] $JobGroup
  )
  $adapterArguments = @{
    JobGroup = $JobGroup
    DynamicWorldWideName = $true
  }
  if ($null -ne $Adapter['StorageFabricClassification']) {
    $adapterArguments['StorageFabricClassification'] = $Adapter['StorageFabricClassification']
  }
  if ($null -ne $Adapter['VirtualSAN']) { $adapterArguments['VirtualFibreChannelSAN'] = $Adapter['VirtualSAN'] }
  $null = New-SCVirtualFibreChannelAdapter @adapterArguments
}
