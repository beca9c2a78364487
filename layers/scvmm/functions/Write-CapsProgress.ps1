# How far a function that blocks is, for the machine's status; of VMM's own cmdlets nothing is told.
function Write-CapsProgress {
  [CmdletBinding()]
  param(
    [Parameter(Mandatory)] [string] $Activity,
    [Parameter(Mandatory)] [int] $PercentComplete
  )
  # The callers keep the progress of what they call to themselves.
  $ProgressPreference = 'Continue'
  Write-Progress -Activity $Activity -PercentComplete $PercentComplete
}
