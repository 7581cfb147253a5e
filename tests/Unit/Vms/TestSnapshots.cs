using Lamina.Api;
using Lamina.Server.Control;

namespace Lamina.Tests.Unit.Vms;

/// <summary>A small installation as a snapshot: one host of 4 cores and 8 GiB, pool and network <c>default</c>, some media.</summary>
internal sealed class TestSnapshots
{
    private readonly List<CacheChange> _changes = [];

    public static TestSnapshots Installation()
    {
        var snapshots = new TestSnapshots();
        snapshots.Add(Keys.Hosts.Status, "host-1", new HostStatus
        {
            Incarnation = "boot-1/nonce",
            BootId = "boot-1",
            DaemonVersion = "0",
            Cores = 4,
            MemoryMiB = 8192,
            Accelerator = new Accelerator { Kind = AcceleratorKind.Tcg, Reason = "test" },
            DefaultCpuModel = "Westmere-v1",
            DefaultMachineType = "pc-q35-7.2",
        });
        snapshots.Add(Keys.Hosts.Spec, "host-1", new HostSpec { Name = "host-1" });
        snapshots.Add(Keys.Pools.Spec, "pool-1", new PoolSpec { Name = "default", Path = "/nowhere" });
        snapshots.Name("-", "pool", "default", "pool-1");
        snapshots.Add(Keys.Networks.Spec, "net-1", new NetworkSpec { Name = "default", Subnet = "192.168.200.0/24" });
        snapshots.Name("default", "network", "default", "net-1");
        snapshots.Image("debian/12", "img-1", 2L << 30);
        snapshots.Iso("install", "iso-1", IsoKind.Iso);
        snapshots.Iso("dos", "iso-2", IsoKind.Floppy);
        snapshots.Iso("vmlinuz", "iso-3", IsoKind.Kernel);
        snapshots.Iso("initrd", "iso-4", IsoKind.Initrd);
        return snapshots;
    }

    public TestSnapshots Add<T>(RecordKind<T> kind, string id, T record)
        where T : StoredRecord
    {
        _changes.Add(new CacheChange(kind, id, null, new CachedRecord<T>(id, record, 1, 1)));
        return this;
    }

    public TestSnapshots Name(string project, string noun, string name, string owner) =>
        Add(Keys.Names, Keys.NameId(project, noun, name), new Claim { Owner = owner });

    public TestSnapshots Image(string name, string id, long sizeBytes, ContentState state = ContentState.Ready, bool cloudInit = true)
    {
        Add(Keys.Images.Spec, id, new ImageSpec { Name = name, Pool = "pool-1", Origin = ImageOrigin.Build, CloudInit = cloudInit });
        Add(Keys.Images.Status, id, new ImageStatus { State = state, VirtualSizeBytes = sizeBytes });
        return Name("default", "image", name, id);
    }

    public TestSnapshots Iso(string name, string id, IsoKind kind, ContentState state = ContentState.Ready)
    {
        Add(Keys.Isos.Spec, id, new IsoSpec { Name = name, Pool = "pool-1", Kind = kind });
        Add(Keys.Isos.Status, id, new IsoStatus { State = state });
        return Name("default", "iso", name, id);
    }

    public TestSnapshots Vm(string name, params VmNic[] nics)
    {
        Add(Keys.Vms.Spec, $"vm-{name}", new VmSpec { Name = name, Cpus = 1, MemoryMiB = 64, Machine = new() { Type = "pc-q35-7.2", CpuModel = "qemu64", MaxCpus = 1 }, Nics = nics });
        return Name("default", "vm", name, $"vm-{name}");
    }

    public CacheSnapshot Build() => CacheSnapshot.Empty(Keys.Cached).With(1, _changes);
}
