# An error record of our own: its id is one of schemas/vmm/Verb.ts, its target compact JSON.
function New-CapsErrorRecord {
  [CmdletBinding()]
  param(
    [Parameter(Mandatory)] [string] $ErrorId,
    [Parameter(Mandatory)] [string] $Message,
    [System.Management.Automation.ErrorCategory] $Category = 'InvalidOperation',
    [hashtable] $Target = @{}
  )
  $exception = [System.InvalidOperationException]::new($Message)
  $document = ConvertTo-Json -InputObject $Target -Compress -Depth 3
  return [System.Management.Automation.ErrorRecord]::new($exception, $ErrorId, $Category, $document)
}
