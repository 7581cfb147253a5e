using Lamina.Api;

namespace Lamina.Server.Pools;

/// <summary>
/// Where things lie in a directory pool (pure). Everything below <see cref="Root"/> is root-only; objects lie in folders named by their
/// UUID, and what an operation has not committed yet lies in <see cref="Temporary"/>, so that a rename within one file system commits it.
/// </summary>
internal sealed record PoolPaths(string Root)
{
    /// <summary>Begins the name of every folder of an uncommitted operation; the rest is the operation's id.</summary>
    public const string TemporaryPrefix = ".tmp-";

    /// <summary>The file that marks a folder as a pool; it holds the pool's id.</summary>
    public const string MarkName = ".lamina-pool";

    public string Disks => Path.Join(Root, "disks");
    public string Images => Path.Join(Root, "images");
    public string Isos => Path.Join(Root, "isos");
    public string Vms => Path.Join(Root, "vms");
    public string Uploads => Path.Join(Root, "uploads");

    /// <summary>The folders that every pool has.</summary>
    public IReadOnlyList<string> Folders => [Disks, Images, Isos, Vms, Uploads];

    public string DiskFolder(string diskId) => Path.Join(Disks, Checked(diskId));

    public string Disk(string diskId, DiskFormat format) => Path.Join(DiskFolder(diskId), format == DiskFormat.Raw ? "disk.raw" : "disk.qcow2");

    /// <summary>A further layer of a disk.</summary>
    public string DiskLayer(string diskId, string file) => Path.Join(DiskFolder(diskId), Checked(file) + ".qcow2");

    public string ImageFolder(string imageId) => Path.Join(Images, Checked(imageId));

    public string Image(string imageId) => Path.Join(ImageFolder(imageId), "image.qcow2");

    /// <summary>The image as a clone in the same pool names it in its header, so that a pool can be mounted elsewhere.</summary>
    public static string ImageFromDisk(string imageId) => $"../../images/{Checked(imageId)}/image.qcow2";

    public string IsoFolder(string isoId) => Path.Join(Isos, Checked(isoId));

    public string Iso(string isoId) => Path.Join(IsoFolder(isoId), "medium");

    public string Upload(string uploadId) => Path.Join(Uploads, Checked(uploadId));

    public string VmFolder(string vmId) => Path.Join(Vms, Checked(vmId));

    public string NvramFolder(string vmId) => Path.Join(VmFolder(vmId), "nvram");

    public string Nvram(string vmId) => Path.Join(NvramFolder(vmId), "OVMF_VARS.fd");

    /// <summary>The state of a VM's TPM: plain files that swtpm writes as the VM's user.</summary>
    public string Tpm(string vmId) => Path.Join(VmFolder(vmId), "tpm");

    /// <summary>A folder in that of a VM, for a memory and what belongs to it.</summary>
    public string VmPart(string vmId, string folder) => Path.Join(VmFolder(vmId), Path.Join([.. folder.Split('/').Select(Checked)]));

    /// <summary>The cloud-init seed of a VM.</summary>
    public string Seed(string vmId) => Path.Join(VmFolder(vmId), "seed.iso");

    /// <summary>The private folder of an operation's unfinished files; the sweep removes it once the operation has ended.</summary>
    public string Temporary(string operationId) => Path.Join(Root, TemporaryPrefix + Checked(operationId));

    // Ids come from records that this daemon wrote; what a path leads to must not depend on that being so.
    private static string Checked(string id) =>
        id.Length is > 0 and <= 64 && id.All(static c => char.IsAsciiLetterOrDigit(c) || c == '-')
            ? id
            : throw new ArgumentException($"“{id}” is no id, so it names no file.", nameof(id));
}
