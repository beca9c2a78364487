# Whether an error of a look-up by id says that there is no such object; any other says nothing about it.
function Test-CapsNotFound {
  [CmdletBinding()]
  param([Parameter(Mandatory)] [System.Management.Automation.ErrorRecord] $ErrorRecord)
  # VMM's errors begin with a number; 801 is "cannot find object". A missing cmdlet is ObjectNotFound too, without a number.
  $number = [regex]::Match($ErrorRecord.FullyQualifiedErrorId, '^\d+')
  return $number.Success -and ($number.Value -eq '801' -or $ErrorRecord.CategoryInfo.Category -eq 'ObjectNotFound')
}
