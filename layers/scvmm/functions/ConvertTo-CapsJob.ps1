# A VMM job (Task) as schemas/vmm/Job.ts describes it.
function ConvertTo-CapsJob {
  [CmdletBinding()]
  param([Parameter(Mandatory)] [object] $Job)
  $progress = Get-CapsProperty -InputObject $Job -Name 'ProgressValue'
  if ($null -eq $progress) {
    # Progress is a text: "40 %".
    $digits = [regex]::Match([string](Get-CapsProperty -InputObject $Job -Name 'Progress'), '\d+')
    $progress = if ($digits.Success) { $digits.Value } else { 0 }
  }
  $started = ConvertTo-CapsTime -Time (Get-CapsProperty -InputObject $Job -Name 'StartTime')
  $document = [ordered]@{
    Id = $Job.ID.ToString()
    Name = [string]$Job.Name
    Status = $Job.Status.ToString()
    Progress = [int]$progress
    StartTime = if ($null -eq $started) { [datetime]::UtcNow.ToString('o') } else { $started }
  }
  $cmdlet = [string](Get-CapsProperty -InputObject $Job -Name 'CmdletName')
  if ($cmdlet -ne '') { $document['Cmdlet'] = $cmdlet }
  $ended = ConvertTo-CapsTime -Time (Get-CapsProperty -InputObject $Job -Name 'EndTime')
  if ($null -ne $ended) { $document['EndTime'] = $ended }
  $failure = Get-CapsProperty -InputObject $Job -Name 'ErrorInfo'
  if ($document['Status'] -eq 'Failed' -and $null -ne $failure) {
    $code = Get-CapsProperty -InputObject $failure -Name 'DisplayableErrorCode'
    if ($null -eq $code) { $code = Get-CapsProperty -InputObject $failure -Name 'Code' }
    $number = $code -as [int]
    if ($null -ne $number -and $number -ne 0) { $document['ErrorCode'] = $number }
    $problem = [string](Get-CapsProperty -InputObject $failure -Name 'Problem')
    if ($problem -ne '') { $document['ErrorMessage'] = $problem }
    $action = [string](Get-CapsProperty -InputObject $failure -Name 'RecommendedAction')
    if ($action -ne '') { $document['RecommendedAction'] = $action }
  }
  return [pscustomobject]$document
}
