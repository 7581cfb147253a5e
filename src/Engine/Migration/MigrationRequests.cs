namespace Lamina.Engine.Migration;

/// <summary>What both sides must say alike, before the target listens.</summary>
public sealed record MigrationTransport
{
    /// <summary>Connections that carry memory; 1 = the one that carries everything. At most 255.</summary>
    public int Streams { get; set; } = 1;
    /// <summary>Allows <see cref="IVm.StartPostCopyAsync"/>.</summary>
    public bool PostCopy { get; init; }
    /// <summary>Pages that the target asks for overtake the others; only with <see cref="PostCopy"/>.</summary>
    public bool PostCopyPreempt { get; init; }
}

/// <summary>Where a target listens. <paramref name="ExportPort"/>: for the disks; null = none are offered.</summary>
public sealed record MigrationEndpoint(string Address, int Port, int? ExportPort);

/// <summary>What a target is told.</summary>
public sealed record MigrationListen
{
    /// <summary>An IP address of this host.</summary>
    public required string Address { get; init; }
    /// <summary>The ports from which free ones are taken, both ends included.</summary>
    public required int FirstPort { get; init; }
    public required int LastPort { get; init; }
    public MigrationTransport Transport { get; set; } = new();
    /// <summary>Null = in the clear.</summary>
    public MigrationCredentials? Credentials { get; init; }
    /// <summary>Slots of the disks that come with the guest: offered for writing until <see cref="IVm.StopListeningAsync"/>.</summary>
    public IReadOnlyList<int> ExportSlots { get; set; } = [];
}

/// <summary>Bounds that may be changed while the guest is on its way.</summary>
public sealed record MigrationLimits
{
    /// <summary>Null = as fast as it goes.</summary>
    public long? BytesPerSecond { get; init; }
    /// <summary>The pause that is aimed at; QEMU switches over when it expects no more.</summary>
    public int DowntimeMs { get; set; } = 300;
}

/// <summary>What a source is told.</summary>
public sealed record MigrationSend
{
    public required MigrationEndpoint To { get; init; }
    public MigrationTransport Transport { get; set; } = new();
    /// <summary>The source's part of the pair whose other part the target has.</summary>
    public MigrationCredentials? Credentials { get; init; }
    public MigrationLimits Limits { get; set; } = new();
    /// <summary>Slows the guest's CPUs when it writes faster than the link carries.</summary>
    public bool AutoConverge { get; init; }
    /// <summary>Stands still in <see cref="MigrationPhase.PreSwitchover"/> until told; needed with mirrors and with post-copy.</summary>
    public bool PauseBeforeSwitchover { get; init; }
}

/// <summary>Which disks a source copies into a target's exports.</summary>
public sealed record MigrationMirrors
{
    public required MigrationEndpoint To { get; init; }
    public MigrationCredentials? Credentials { get; init; }
    public required IReadOnlyList<MirroredDisk> Disks { get; init; }
    /// <summary>Of each; null = as fast as it goes.</summary>
    public long? BytesPerSecond { get; init; }
}

/// <summary><paramref name="TopOnly"/>: the target has the files below the one that is written already, and equal ones.</summary>
public sealed record MirroredDisk(int Slot, bool TopOnly = false);
