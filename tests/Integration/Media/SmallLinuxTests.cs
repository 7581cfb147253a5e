using Lamina.Linux.Processes;
using Lamina.Testing;
using Lamina.Testing.Media;
using Xunit;

namespace Lamina.Tests.Integration.Media;

/// <summary>The tests' own guest does what it promises, with QEMU run by hand: what fails here is not Lamina.</summary>
public sealed class SmallLinuxTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task It_boots_from_kernel_and_initial_RAM_disk_and_runs_what_it_is_told()
    {
        var guest = await SmallLinux.GetAsync(Cancellation);
        string script = "i=0; until ip -4 addr show dev eth0 | grep -q 10.0.2 || [ $i = 30 ]; do i=$((i+1)); sleep 1; done; echo ADDRESS $i; poweroff -f";
        string serial = await BootAsync("-kernel", guest.Kernel, "-initrd", guest.Initrd, "-append", $"{SmallLinux.CommandLine} {SmallLinux.Run(script)}");
        Assert.Contains(SmallLinux.Ready, serial, StringComparison.Ordinal);
        Assert.Contains(SmallLinux.Address + "10.0.2.", serial, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Its_disk_boots_on_BIOS() => await BootDiskAsync();

    [Fact]
    public async Task Its_disk_boots_on_UEFI()
    {
        string variables = Path.Combine(folder.Path, "vars.fd");
        File.Copy("/usr/share/OVMF/OVMF_VARS_4M.fd", variables);
        await BootDiskAsync(
            "-drive", "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd", "-drive", $"if=pflash,format=raw,file={variables}");
    }

    private async Task BootDiskAsync(params string[] firmware)
    {
        var guest = await SmallLinux.GetAsync(Cancellation);
        string seed = Path.Combine(folder.Path, "seed");
        Directory.CreateDirectory(seed);
        await File.WriteAllTextAsync(Path.Combine(seed, "user-data"), "#!/bin/sh\necho USER-DATA RAN\npoweroff -f\n", Cancellation);
        string iso = Path.Combine(folder.Path, "seed.iso");
        await RunAsync("xorriso", TimeSpan.FromMinutes(1), "-as", "mkisofs", "-quiet", "-V", "cidata", "-J", "-r", "-o", iso, seed);
        string serial = await BootAsync(
            [
                .. firmware, "-snapshot", "-drive", $"if=virtio,format=qcow2,file={guest.Disk}", "-device", "virtio-scsi-pci",
                "-drive", $"if=none,id=cd,media=cdrom,readonly=on,file={iso}", "-device", "scsi-cd,drive=cd",
            ]);
        Assert.Contains(SmallLinux.Ready, serial, StringComparison.Ordinal);
        Assert.Contains("USER-DATA RAN", serial, StringComparison.Ordinal);
    }

    /// <returns>What the guest wrote to ttyS0 until it powered off.</returns>
    private async Task<string> BootAsync(params string[] arguments)
    {
        string serial = Path.Combine(folder.Path, "serial");
        await RunAsync(
            "qemu-system-x86_64", TimeSpan.FromMinutes(2),
            [
                "-M", "q35", "-accel", "tcg,tb-size=64", "-cpu", "Westmere-v1", "-m", "256", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                "-serial", $"file:{serial}", "-netdev", "user,id=n", "-device", "virtio-net-pci,netdev=n,romfile=", .. arguments,
            ]);
        return await File.ReadAllTextAsync(serial, Cancellation);
    }

    private static async Task RunAsync(string program, TimeSpan timeout, params string[] arguments) =>
        (await Command.RunAsync(new CommandSpec { Program = program, Arguments = arguments, Timeout = timeout }, Cancellation)).EnsureSuccess();
}
