# Imports a medium into the library, overwriting. It holds secrets: on this host's disk it lies for the time of the import alone.
function Import-CapsMedium {
  [CmdletBinding()]
  param(
    [Parameter(Mandatory)] [string] $FileName,
    [Parameter(Mandatory)] [byte[]] $Data,
    [Parameter(Mandatory)] [AllowEmptyString()] [string] $LibraryShare
  )
  Set-StrictMode -Version 'Latest'
  $ErrorActionPreference = 'Stop'
  $ProgressPreference = 'SilentlyContinue'
  try {
    if ([System.IO.Path]::GetFileName($FileName) -ne $FileName) {
      $PSCmdlet.ThrowTerminatingError((New-CapsErrorRecord -ErrorId 'MediumNameInvalid' -Category 'InvalidArgument' `
            -Message "'$FileName' is not a plain file name" -Target @{ FileName = $FileName }))
    }
    $library = Resolve-CapsLibraryShare -LibraryShare $LibraryShare
    # The library names a medium after its file; in a folder of its own it meets no other attempt at the same medium.
    $folder = [System.IO.Path]::Combine((Get-CapsMediumFolder), [guid]::NewGuid().ToString())
    $null = [System.IO.Directory]::CreateDirectory($folder)
    try {
      $path = [System.IO.Path]::Combine($folder, $FileName)
      [System.IO.File]::WriteAllBytes($path, $Data)
      Write-CapsProgress -Activity 'Import-CapsMedium' -PercentComplete 25
      $null = Import-SCLibraryPhysicalResource -SourcePath $path -SharePath $library.Path -OverwriteExistingFiles
    } finally {
      # Also when the pipeline is stopped, or its shell is deleted or times out.
      Remove-CapsMediumFolder -Path $folder
    }
    Write-CapsProgress -Activity 'Import-CapsMedium' -PercentComplete 75
    $iso = Resolve-CapsIso -Library $library -FileName $FileName
    $document = [pscustomobject][ordered]@{ Id = $iso.ID.ToString(); SharePath = [string]$iso.SharePath }
    ConvertTo-Json -InputObject $document -Compress
  } catch {
    $PSCmdlet.ThrowTerminatingError($_)
  }
}
