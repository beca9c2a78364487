# The objects that a fibre channel adapter of the spec names.
function Resolve-CapsFibreChannel {
  [CmdletBinding()]
  param(
    [Parameter(Mandatory)] [hashtable] $Adapter,
    [Parameter(Mandatory)] [int] $Index
  )
  $resolved = @{ StorageFabricClassification = $null; VirtualSAN = $null }
  $classification = [string]$Adapter['StorageFabricClassification']
  if ($classification -ne '') {
    $resolved['StorageFabricClassification'] = Select-CapsReference -InputObject @(Get-SCStorageFabricClassification) `
      -Field "fibreChannel[$Index].storageFabricClassification" -Value $classification
  }
  $san = [string]$Adapter['VirtualSAN']
  if ($san -ne '') {
    $resolved['VirtualSAN'] = Select-CapsReference -InputObject @(Get-SCVMHostFibreChannelVirtualSAN) `
      -Field "fibreChannel[$Index].virtualSAN" -Value $san
  }
  return $resolved
}
