# Writes one chunk of a medium; the same chunk again changes nothing. Answers the file's length. The first chunk also clears
# the folder of files older than a day.
function Write-CapsMedium {
  [CmdletBinding()]
  param(
    [Parameter(Mandatory)] [string] $FileName,
    [Parameter(Mandatory)] [long] $Offset,
    [Parameter(Mandatory)] [AllowEmptyCollection()] [byte[]] $Data
  )
  Set-StrictMode -Version 'Latest'
  $ErrorActionPreference = 'Stop'
  $ProgressPreference = 'SilentlyContinue'
  try {
    $path = Resolve-CapsMediumPath -FileName $FileName
    if ($Offset -eq 0) { Remove-CapsStaleMedium -Folder ([System.IO.Path]::GetDirectoryName($path)) }
    $before = if ([System.IO.File]::Exists($path)) { [System.IO.FileInfo]::new($path).Length } else { 0 }
    if ($Offset -lt 0 -or $Offset -gt $before) {
      $PSCmdlet.ThrowTerminatingError((New-CapsErrorRecord -ErrorId 'MediumCorrupt' -Category 'InvalidData' `
            -Message "a chunk for offset $Offset, but '$FileName' has $before bytes on this host" -Target @{ FileName = $FileName }))
    }
    $file = [System.IO.File]::Open($path, 'OpenOrCreate', 'Write', 'None')
    try {
      $null = $file.Seek($Offset, 'Begin')
      $file.Write($Data, 0, $Data.Length)
      $length = $file.Length
    } finally {
      $file.Dispose()
    }
    ConvertTo-Json -InputObject ([pscustomobject]@{ Length = $length }) -Compress
  } catch {
    $PSCmdlet.ThrowTerminatingError($_)
  }
}
