using Lamina.Api;
using Lamina.Linux.Processes;
using Lamina.Testing.Storage;

namespace Lamina.Tests.Crash;

/// <summary>What clients and guests do while daemons die. Many small ones, so that each run takes a few seconds.</summary>
internal sealed class Scenarios(string mediaFolder)
{
    public const string Image = "tiny";
    public const string Medium = "medium";
    public const string Web = "web";
    public const string VmPath = $"/v1/vms/{Web}";

    private string ImageFile => Path.Combine(mediaFolder, "tiny.raw");

    private string MediumFile => Path.Combine(mediaFolder, "medium.iso");

    private string Garbage => Path.Combine(mediaFolder, "garbage");

    public IReadOnlyList<Scenario> All =>
    [
        new("first-start") { FromNothing = true, FromStart = true },
        new("start") { FromStart = true },
        new("start-with-guests") { FromStart = true, Before = [Launch(Web), Launch("other"), Pause("other")] },
        new("start-after-deaths") { FromStart = true, Before = [Launch(Web), Launch("other", RestartPolicy.Never), KillWithDaemon(Web), KillWithDaemon("other")] },
        new("launch") { Steps = [LaunchFull(start: true)] },
        new("launch-uefi") { Steps = [Ask("launch", "/v1/vms", Small(Web) with { Firmware = VmFirmware.Uefi, Start = true })] },
        new("create-and-delete") { Steps = [LaunchFull(start: false), Delete(Web)] },
        new("pause-resume-reset") { Before = [Launch(Web)], Steps = [Pause(Web), Verb(Web, "resume"), Verb(Web, "reset")] },
        new("stop-and-start") { Before = [Launch(Web)], Steps = [Stop, Verb(Web, "start")] },
        new("shutdown") { Before = [Launch(Web)], Steps = [Shutdown] },
        new("delete-running") { Before = [LaunchFull(start: true)], Steps = [DeleteRunning] },
        new("guest-dies") { Before = [Launch(Web)], Steps = [Kill(Web)] },
        new("start-fails") { Before = [Create(Web)], Steps = [FailToStart] },
        new("image") { Steps = [Import("image", "second"), DeleteImage("second")] },
        new("image-refused") { Steps = [Refused] },
        new("medium") { Steps = [AddMedium("medium", "second"), DeleteMedium("second")] },
        new("upload-given-up") { Steps = [GiveUp] },
        new("change") { Before = [Create(Web)], Steps = [Change, Rename] },
        new("shut-down-the-host") { Before = [Launch(Web), Launch("other")], Steps = [ShutDownGuests] },
        .. SnapshotScenarios.All,
        .. CopyScenarios.All,
        .. DeviceScenarios.All,
        .. UplinkScenarios.All,
        new("people") { Steps = [People] },
    ];

    /// <summary>Makes the files that are uploaded.</summary>
    public async Task PrepareAsync()
    {
        Directory.CreateDirectory(mediaFolder);
        DiskFiles.WriteRaw(ImageFile, 4);
        await File.WriteAllBytesAsync(Garbage, "QFI\xfb and then nothing that qemu-img could read"u8.ToArray());
        string content = Directory.CreateDirectory(Path.Combine(mediaFolder, "content")).FullName;
        await File.WriteAllTextAsync(Path.Combine(content, "readme"), "nothing to boot");
        var xorriso = new CommandSpec
        {
            Program = "xorriso", Arguments = ["-as", "mkisofs", "-quiet", "-V", "TEST", "-J", "-r", "-o", MediumFile, content], Timeout = TimeSpan.FromMinutes(1),
        };
        (await Command.RunAsync(xorriso, CancellationToken.None)).EnsureSuccess();
    }

    /// <summary>What every run but the first start's begins with.</summary>
    public IReadOnlyList<Step> Template => [Import("template image", Image), AddMedium("template medium", Medium)];

    /// <summary>Takes everything away that scenarios make; what they begin with stays.</summary>
    public static async Task CleanUpAsync(Session session)
    {
        await foreach (var vm in session.Client.Vms.ListAsync(session.Gone)) await session.DeleteAsync($"/v1/vms/{vm.Id}?force=true");
        await foreach (var disk in session.Client.Disks.ListAsync(session.Gone))
        {
            if (disk.Spec.Vm is null) await session.DeleteAsync($"/v1/disks/{disk.Id}");
        }

        await foreach (var image in session.Client.Images.ListAsync(session.Gone))
        {
            if (image.Name != Image) await session.DeleteAsync($"/v1/images/{image.Id}");
        }

        await foreach (var iso in session.Client.Isos.ListAsync(session.Gone))
        {
            if (iso.Name != Medium) await session.DeleteAsync($"/v1/isos/{iso.Id}");
        }

        await foreach (var pool in session.Client.Pools.ListAsync(session.Gone))
        {
            if (pool.Name != "default") await session.Client.Pools.DeleteAsync(pool.Name, session.Gone);
        }

        await foreach (var network in session.Client.Networks.ListAsync(session.Gone))
        {
            if (network.Name != "default") await session.DeleteAsync($"/v1/networks/{network.Id}");
        }

        await foreach (var upload in session.Client.Uploads.ListAsync(session.Gone)) await session.Client.Uploads.DeleteAsync(upload.Id, session.Gone);
    }

    internal static VmCreate Small(string name) => new() { Name = name, MemoryMiB = 64, Disks = [new VmDiskCreate { Image = Image }], Nics = [new VmNicCreate()] };

    internal static Step Launch(string name, RestartPolicy restart = RestartPolicy.OnFailure) =>
        Ask($"launch {name}", "/v1/vms", Small(name) with { Start = true, Restart = restart });

    internal static Step Create(string name) => Ask($"create {name}", "/v1/vms", Small(name));

    private static Step LaunchFull(bool start) => Ask("launch", "/v1/vms", Small(Web) with
    {
        Disks = [new VmDiskCreate { Image = Image }, new VmDiskCreate { SizeBytes = 16 << 20, Format = DiskFormat.Raw }],
        Isos = [Medium],
        CloudInit = new CloudInitCreate { Hostname = Web, Password = "correct horse battery staple" },
        Start = start,
    });

    internal static Step Ask(string label, string path, VmCreate body) => new(label, session => session.DoAsync(label, path, body, ApiJson.Default.VmCreate));

    internal static Step Verb(string vm, string verb) =>
        new($"{verb} {vm}", session => session.DoAsync($"{verb} {vm}", $"/v1/vms/{vm}/{verb}", [], ApiJson.Default.JsonObject));

    private static Step Pause(string vm) => Verb(vm, "pause");

    internal static Step Stop => new(
        "stop", session => session.DoAsync("stop", $"{VmPath}/stop", new VmStopRequest { Force = true }, ApiJson.Default.VmStopRequest), EndsGuests: true);

    private static Step Shutdown => new(
        "shutdown",
        session => session.DoAsync("shutdown", $"{VmPath}/shutdown", new VmShutdownRequest { TimeoutSeconds = 1, ForceAfter = true }, ApiJson.Default.VmShutdownRequest),
        EndsGuests: true);

    private static Step Delete(string vm) => new($"delete {vm}", session => session.DeleteAsync($"/v1/vms/{vm}"));

    private static Step DeleteRunning => new("delete", session => session.DeleteAsync($"{VmPath}?force=true"), EndsGuests: true);

    /// <summary>QEMU is killed under the daemon, which starts it anew; once only.</summary>
    private static Step Kill(string name) => new($"kill {name}", session => session.OnceAsync($"kill {name}", async () =>
    {
        var vm = (await session.Client.Vms.GetAsync(name, session.Gone)).Value;
        Guests.Kill(session.World, vm.Id);
        await session.WaitForVmAsync(name, changed => changed.Status is { State: VmState.Running, Run: > 1 });
    }), EndsGuests: true);

    /// <summary>QEMU is killed while no daemon runs.</summary>
    private static Step KillWithDaemon(string name) => new($"kill {name} without a daemon", async session =>
    {
        var vm = (await session.Client.Vms.GetAsync(name, session.Gone)).Value;
        session.WhenStopped(() => Guests.Kill(session.World, vm.Id));
    });

    /// <summary>QEMU refuses to start: everything made for it goes again.</summary>
    private static Step FailToStart => new("start with a broken disk", async session =>
    {
        var vm = (await session.Client.Vms.GetAsync(Web, session.Gone)).Value;
        string disk = Path.Combine(session.World.Instance.DefaultPoolDirectory, "disks", vm.Spec.Disks[0].Disk, "disk.qcow2");
        await session.OnceAsync("break the disk", () => File.WriteAllTextAsync(disk, "no qcow2"));
        string? code = await session.FailAsync("start", $"{VmPath}/start");
        if (code != "engine.startFailed") throw new InvalidOperationException($"The start with a broken disk ended with {code}");
    });

    private Step Import(string label, string name) => new(label, async session =>
        await session.DoAsync(label, "/v1/images", new ImageCreate { Name = name, Upload = await session.UploadAsync(label, ImageFile) }, ApiJson.Default.ImageCreate));

    private static Step DeleteImage(string name) => new("delete image", session => session.DeleteAsync($"/v1/images/{name}"));

    /// <summary>Nothing of it stays, and its name is free again.</summary>
    private Step Refused => new("import garbage", async session =>
    {
        string upload = await session.UploadAsync("garbage", Garbage);
        string? code = await session.FailAsync("import garbage", "/v1/images", new ImageCreate { Name = "bad", Upload = upload }, ApiJson.Default.ImageCreate);
        if (code != "image.refused") throw new InvalidOperationException($"The import of garbage ended with {code}");
        await session.WaitAsync("the name of the refused image to be free", async () => !await session.ExistsAsync("/v1/images/bad"));
    });

    private Step AddMedium(string label, string name) => new(label, async session =>
        await session.DoAsync(label, "/v1/isos", new IsoCreate { Name = name, Upload = await session.UploadAsync(label, MediumFile) }, ApiJson.Default.IsoCreate));

    private static Step DeleteMedium(string name) => new("delete medium", session => session.DeleteAsync($"/v1/isos/{name}"));

    private Step GiveUp => new("give up an upload", async session =>
    {
        string upload = await session.UploadAsync("given up", ImageFile);
        if (await session.ExistsAsync($"/v1/uploads/{upload}")) await session.Client.Uploads.DeleteAsync(upload, session.Gone);
    });

    private static Step Change => new("change", async session =>
        await session.Client.Vms.UpdateAsync(Web, new VmUpdate { Notes = "changed", Tags = ["a", "b"], MemoryMiB = 96 }, null, session.Gone));

    private static Step Rename => new("rename", async session =>
    {
        if (await session.ExistsAsync(VmPath)) await session.Client.Vms.UpdateAsync(Web, new VmUpdate { Name = "renamed" }, null, session.Gone);
        if (!await session.ExistsAsync("/v1/vms/renamed")) throw new InvalidOperationException("The renamed VM is lost.");
    });

    private static Step ShutDownGuests => new(
        "shut down guests",
        async session =>
        {
            string host = (await session.Client.Hosts.ListAsync(session.Gone).FirstAsync(session.Gone)).Id;
            await session.DoAsync(
                "shut down guests", $"/v1/hosts/{host}/shutdown-guests", new GuestsShutdownRequest { TimeoutSeconds = 1, ForceAfter = true }, ApiJson.Default.GuestsShutdownRequest);
        },
        EndsGuests: true);

    private static Step People => new("people", async session =>
    {
        if (!await session.ExistsAsync("/v1/projects/lab")) await session.Client.Projects.CreateAsync(new Project { Name = "lab" }, session.Gone);
        if (!await session.ExistsAsync("/v1/users/ada")) await session.Client.Users.CreateAsync(new UserCreate { Name = "ada", Password = "correct horse battery staple" }, session.Gone);
        if (!await session.ExistsAsync("/v1/users/ada")) throw new InvalidOperationException("The user is lost.");
    });
}
