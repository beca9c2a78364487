# A property that older or newer versions of VMM may lack: its value, or null.
function Get-CapsProperty {
  [CmdletBinding()]
  param(
    [Parameter(Mandatory)] [AllowNull()] [object] $InputObject,
    [Parameter(Mandatory)] [string] $Name
  )
  if ($null -eq $InputObject) { return $null }
  $property = $InputObject.PSObject.Properties[$Name]
  if ($null -eq $property) { return $null }
  return $property.Value
}
