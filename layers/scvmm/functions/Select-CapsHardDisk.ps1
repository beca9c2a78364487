# A library disk by name, with or without extension, or by id. A copy on several shares counts as one disk: the first by path.
function Select-CapsHardDisk {
  [CmdletBinding()]
  param(
    [Parameter(Mandatory)] [string] $Name,
    [Parameter(Mandatory)] [string] $Field
  )
  $guid = [guid]::Empty
  if ([guid]::TryParse($Name, [ref]$guid)) {
    $found = @()
    try {
      $found = @(Get-SCVirtualHardDisk -ID $guid -ErrorAction Stop)
    } catch {
      if (-not (Test-CapsNotFound -ErrorRecord $_)) { throw }
    }
    return Select-CapsReference -InputObject $found -Field $Field -Value $Name
  }
  $found = @(Get-SCVirtualHardDisk -Name $Name)
  $base = [System.IO.Path]::GetFileNameWithoutExtension($Name)
  if ($found.Count -eq 0 -and $base -ne $Name) {
    $found = @(Get-SCVirtualHardDisk -Name $base | Where-Object -FilterScript {
        [System.IO.Path]::GetFileName([string]$_.SharePath) -eq $Name
      })
  }
  $shared = @($found | Where-Object -FilterScript { $null -ne $_ } | Sort-Object -Property 'SharePath')
  if ($shared.Count -eq 0) {
    return Select-CapsReference -InputObject @() -Field $Field -Value $Name
  }
  return $shared[0]
}
