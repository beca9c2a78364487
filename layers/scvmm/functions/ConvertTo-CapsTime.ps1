# A date as ISO 8601 in UTC; null for none, and for the smallest date, by which VMM means none.
function ConvertTo-CapsTime {
  [CmdletBinding()]
  param([Parameter(Mandatory)] [AllowNull()] [object] $Time)
  if ($Time -isnot [datetime] -or $Time.Year -le 1) { return $null }
  return $Time.ToUniversalTime().ToString('o')
}
