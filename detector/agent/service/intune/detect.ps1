# Intune, Win32 app, detection rule (a custom script): installed when it says a line and exits with 0. Never run by
# Intune.
Set-StrictMode -Version 3.0

$wanted = [version] ('@VERSION@' -replace '[^0-9.].*$', '')
$file = Join-Path $env:ProgramFiles 'tlsight\version.txt'
$service = Get-Service -Name 'tlsight-agent' -ErrorAction SilentlyContinue

if ($null -ne $service -and (Test-Path -LiteralPath $file)) {
    # What comes before a release, 1.2.0rc1, counts as that release.
    $there = (Get-Content -LiteralPath $file -TotalCount 1) -replace '[^0-9.].*$', ''
    if ([version] $there -ge $wanted) {
        Write-Output "tlsight $there"
        exit 0
    }
}
exit 1
