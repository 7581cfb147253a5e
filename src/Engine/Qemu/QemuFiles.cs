namespace Lamina.Engine.Qemu;

internal enum QemuFileKind
{
    /// <summary>A listening unix socket that the daemon binds in the runtime folder.</summary>
    Socket,
    /// <summary>Read into a sealed memory file first: QEMU opens kernels by path.</summary>
    Memory,
    Image,
    Tap,
    /// <summary>A connected socket that is there already: swtpm holds its other end.</summary>
    Line,
}

/// <summary>One open file that QEMU gets, and the number under which it gets it.</summary>
/// <param name="Role">What it is to QEMU, such as <c>qmp</c>, <c>disk0</c>, <c>disk0-b1</c>, <c>net0</c>.</param>
/// <param name="Source">A path, or the name of a tap or socket.</param>
internal sealed record QemuFile(int Number, string Role, QemuFileKind Kind, string Source, bool ReadOnly, bool DirectIo);

/// <summary>Every file a VM's QEMU gets, in the order of their numbers. Pure: the engine opens them, the arguments name them.</summary>
internal sealed class QemuFiles
{
    private const int FirstNumber = 3;

    public const string QmpSocket = "qmp";
    public const string QmpOobSocket = "qmp-oob";
    public const string AgentSocket = "qga";
    public const string SerialSocket = "serial";
    public const string TpmLine = "tpm0";

    private readonly List<QemuFile> _all = [];

    private QemuFiles()
    {
    }

    public IReadOnlyList<QemuFile> All => _all;

    public int this[string role] => _all.Find(file => file.Role == role)?.Number
        ?? throw new ArgumentOutOfRangeException(nameof(role), role, "The definition has no such file.");

    public static QemuFiles Of(VmDefinition definition)
    {
        var files = new QemuFiles();
        files.AddSockets(definition);
        files.AddFirmware(definition.Firmware);
        if (definition.Kernel is { } kernel) files.AddKernel(kernel);
        foreach (var disk in definition.Disks) files.AddDisk(disk);
        foreach (var cdrom in definition.Cdroms)
            if (cdrom.Path != null) files.Add($"cd{cdrom.Slot}", QemuFileKind.Image, cdrom.Path, readOnly: true);
        if (definition.Floppy is { } floppy) files.Add("floppy0", QemuFileKind.Image, floppy.Path, floppy.ReadOnly);
        foreach (var nic in definition.Nics)
            if (nic.TapName != null) files.Add($"net{nic.Slot}", QemuFileKind.Tap, nic.TapName);
        if (definition.Tpm != null) files.Add(TpmLine, QemuFileKind.Line, "swtpm");
        return files;
    }

    private void AddSockets(VmDefinition definition)
    {
        Add(QmpSocket, QemuFileKind.Socket, "qmp.sock");
        Add(QmpOobSocket, QemuFileKind.Socket, "qmp-oob.sock");
        if (definition.AgentChannel) Add(AgentSocket, QemuFileKind.Socket, "qga.sock");
        if (definition.Serial) Add(SerialSocket, QemuFileKind.Socket, "serial.sock");
    }

    private void AddFirmware(FirmwareDefinition firmware)
    {
        if (firmware.Kind != FirmwareKind.Uefi) return;
        Add("firmware-code", QemuFileKind.Image, firmware.CodePath!, readOnly: true);
        Add("firmware-vars", QemuFileKind.Image, firmware.NvramPath!);
    }

    private void AddKernel(KernelDefinition kernel)
    {
        Add("kernel", QemuFileKind.Memory, kernel.KernelPath, readOnly: true);
        if (kernel.InitrdPath != null) Add("initrd", QemuFileKind.Memory, kernel.InitrdPath, readOnly: true);
    }

    private void AddDisk(DiskDefinition disk)
    {
        Add($"disk{disk.Slot}", QemuFileKind.Image, disk.Path, disk.ReadOnly, disk.DirectIo);
        for (var i = 0; i < disk.Backing.Count; i++)
            Add($"disk{disk.Slot}-b{i + 1}", QemuFileKind.Image, disk.Backing[i].Path, readOnly: true, disk.DirectIo);
    }

    private void Add(string role, QemuFileKind kind, string source, bool readOnly = false, bool directIo = false) =>
        _all.Add(new QemuFile(FirstNumber + _all.Count, role, kind, source, readOnly, directIo));
}
