# Checks a medium that was written, imports it into the library, overwriting, and deletes the temporary file.
function Import-CapsMedium {
  [CmdletBinding()]
  param(
    [Parameter(Mandatory)] [string] $FileName,
    [Parameter(Mandatory)] [long] $Length,
    [Parameter(Mandatory)] [string] $Sha256,
    [Parameter(Mandatory)] [AllowEmptyString()] [string] $LibraryShare
  )
  Set-StrictMode -Version 'Latest'
  $ErrorActionPreference = 'Stop'
  $ProgressPreference = 'SilentlyContinue'
  try {
    $path = Resolve-CapsMediumPath -FileName $FileName
    $library = Resolve-CapsLibraryShare -LibraryShare $LibraryShare
    $actual = if ([System.IO.File]::Exists($path)) { [System.IO.FileInfo]::new($path).Length } else { -1 }
    $hash = if ($actual -eq $Length) { (Get-FileHash -LiteralPath $path -Algorithm 'SHA256').Hash } else { '' }
    if ($hash -ne $Sha256) {
      # The next attempt begins with an empty file.
      [System.IO.File]::Delete($path)
      $PSCmdlet.ThrowTerminatingError((New-CapsErrorRecord -ErrorId 'MediumCorrupt' -Category 'InvalidData' `
            -Message "'$FileName' is not what was promised: $actual bytes of $Length" -Target @{ FileName = $FileName }))
    }
    $null = Import-SCLibraryPhysicalResource -SourcePath $path -SharePath $library.Path -OverwriteExistingFiles
    $iso = Resolve-CapsIso -Library $library -FileName $FileName
    [System.IO.File]::Delete($path)
    $document = [pscustomobject][ordered]@{ Id = $iso.ID.ToString(); SharePath = [string]$iso.SharePath }
    ConvertTo-Json -InputObject $document -Compress
  } catch {
    $PSCmdlet.ThrowTerminatingError($_)
  }
}
