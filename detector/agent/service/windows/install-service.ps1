# Installs tlsight's agent as a Windows service. Run it as an administrator; running it again is harmless.
# Never run on a real Windows: it was read by a parser of PowerShell, no more.
#
#   powershell -ExecutionPolicy Bypass -File install-service.ps1 -Program "C:\Program Files\tlsight\tlsight.exe"
#
# -Program is tlsight.exe as PyInstaller made it on Windows, or the python.exe of an environment with tlsight[agent] and
# pywin32. It must lie where only administrators write: the service starts what lies there.
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)]
    [string] $Program
)
Set-StrictMode -Version 3.0
$ErrorActionPreference = 'Stop'

$name = 'tlsight-agent'
$state = Join-Path $env:ProgramData 'tlsight'
$started = '"{0}" -P -m detector.agent.service.windows_service' -f $Program

if (-not (Test-Path -LiteralPath $Program -PathType Leaf)) {
    throw "$Program is not there"
}

# Its folder is its own user's, the system's and administrators' alone; by their well-known ids, since names are
# translated: S-1-5-19 local service, S-1-5-18 system, S-1-5-32-544 administrators.
New-Item -ItemType Directory -Force -Path $state | Out-Null
& icacls.exe $state /inheritance:r /grant '*S-1-5-19:(OI)(CI)M' '*S-1-5-18:(OI)(CI)F' '*S-1-5-32-544:(OI)(CI)F' | Out-Null
if ($LASTEXITCODE -ne 0) {
    throw "icacls failed with $LASTEXITCODE"
}

if (Get-Service -Name $name -ErrorAction SilentlyContinue) {
    Stop-Service -Name $name -Force
}
else {
    New-Service -Name $name -BinaryPathName $started -DisplayName 'tlsight agent' `
        -Description 'Tells who intercepts TLS on this machine.' -StartupType Automatic | Out-Null
}
# Not by sc.exe: quotes within its words do not survive every PowerShell.
$service = Get-CimInstance -ClassName Win32_Service -Filter "Name='$name'"
$changed = Invoke-CimMethod -InputObject $service -MethodName Change -Arguments @{
    PathName = $started; StartName = 'NT AUTHORITY\LocalService'; StartPassword = ''
}
if ($changed.ReturnValue -ne 0) {
    throw "the service could not be changed: $($changed.ReturnValue)"
}
& sc.exe config $name start= delayed-auto | Out-Null
# A service that ends with an error is started again by the manager after a minute, three times a day.
& sc.exe failure $name reset= 86400 actions= restart/60000/restart/60000/restart/60000 | Out-Null
# Its environment: where state is kept.
New-ItemProperty -Path "HKLM:\SYSTEM\CurrentControlSet\Services\$name" -Name Environment -PropertyType MultiString `
    -Value @("STATE_DIRECTORY=$state") -Force | Out-Null
Start-Service -Name $name
