# Writes one chunk of a medium; the same chunk again changes nothing. Answers the file's length.
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
    $file = [System.IO.File]::Open($path, 'OpenOrCreate', 'Write', 'None')
    try {
      if ($Offset -gt $file.Length) {
        $PSCmdlet.ThrowTerminatingError((New-CapsErrorRecord -ErrorId 'MediumCorrupt' -Category 'InvalidData' `
              -Message "a chunk for offset $Offset, but '$FileName' has $($file.Length) bytes on this host"))
      }
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
