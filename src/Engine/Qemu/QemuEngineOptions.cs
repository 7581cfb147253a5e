namespace Lamina.Engine.Qemu;

/// <summary>How the engine is set up on this machine.</summary>
public sealed record QemuEngineOptions
{
    /// <summary>A path, or a name looked up in the standard folders.</summary>
    public string Binary { get; init; } = "qemu-system-x86_64";
    /// <summary>Where what was probed is kept, such as <c>/var/cache/lamina</c>.</summary>
    public required string CacheFolder { get; init; }
    /// <summary>Where OVMF may lie, best first.</summary>
    public IReadOnlyList<UefiFirmware> UefiCandidates { get; init; } = DefaultUefiCandidates;

    /// <summary>Where OVMF with system management mode, and variables with Microsoft's keys, may lie; best first.</summary>
    public IReadOnlyList<UefiFirmware> SecureUefiCandidates { get; init; } = DefaultSecureUefiCandidates;
    /// <summary>A path, or a name looked up in the standard folders.</summary>
    public string TpmBinary { get; init; } = "swtpm";

    /// <summary>How often the monitor is asked whether it still answers.</summary>
    public TimeSpan PingInterval { get; init; } = TimeSpan.FromSeconds(10);
    /// <summary>How long it may be silent before it is reported.</summary>
    public TimeSpan SilenceLimit { get; init; } = TimeSpan.FromSeconds(5);
    /// <summary>Between two attempts to connect to a socket of a living process again.</summary>
    public TimeSpan ReconnectDelay { get; init; } = TimeSpan.FromSeconds(1);
    /// <summary>How long a killed process may take to die.</summary>
    public TimeSpan KillPatience { get; init; } = TimeSpan.FromSeconds(20);

    private static readonly UefiFirmware[] DefaultUefiCandidates =
    [
        new() { CodePath = "/usr/share/OVMF/OVMF_CODE_4M.fd", VarsTemplatePath = "/usr/share/OVMF/OVMF_VARS_4M.fd" },
        new() { CodePath = "/usr/share/edk2/x64/OVMF_CODE.4m.fd", VarsTemplatePath = "/usr/share/edk2/x64/OVMF_VARS.4m.fd" },
    ];
    // Debian's package ovmf; Fedora's edk2-ovmf.
    private static readonly UefiFirmware[] DefaultSecureUefiCandidates =
    [
        new() { CodePath = "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd", VarsTemplatePath = "/usr/share/OVMF/OVMF_VARS_4M.ms.fd" },
        new() { CodePath = "/usr/share/edk2/ovmf/OVMF_CODE.secboot.fd", VarsTemplatePath = "/usr/share/edk2/ovmf/OVMF_VARS.secboot.fd" },
    ];
}
