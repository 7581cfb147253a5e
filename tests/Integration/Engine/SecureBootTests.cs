using Lamina.Engine;
using Lamina.Testing.Engine;
using Lamina.Testing.Media;

namespace Lamina.Tests.Integration.Engine;

/// <summary>The firmware runs what is signed, and with Secure Boot nothing else; from a SATA drive too, as Windows' installers need it.</summary>
public class SecureBootTests
{
    [Fact]
    public async Task An_unsigned_medium_is_refused_with_Secure_Boot()
    {
        await using var host = new EngineHost();
        await using var vm = await RunAsync(host, secure: true, (await EfiIsos.GetAsync(host.Deadline)).Unsigned, CdromBus.Sata);
        var console = vm.Serial.Attach(withHistory: true);
        var said = await console.WaitForAsync("No bootable option or device was found", host.Deadline);
        Assert.Contains("Access Denied", said, StringComparison.Ordinal);
        Assert.DoesNotContain(EfiIsos.UnsignedSays, said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_same_medium_boots_without_it()
    {
        await using var host = new EngineHost();
        await using var vm = await RunAsync(host, secure: false, (await EfiIsos.GetAsync(host.Deadline)).Unsigned, CdromBus.Scsi);
        await vm.Serial.WaitForAsync(EfiIsos.UnsignedSays, host.Deadline);
    }

    [Fact]
    public async Task A_signed_chain_boots_with_it()
    {
        await using var host = new EngineHost();
        await using var vm = await RunAsync(host, secure: true, (await EfiIsos.GetAsync(host.Deadline)).Signed, CdromBus.Sata);
        await vm.Serial.WaitForAsync(EfiIsos.SignedSays, host.Deadline);
    }

    private static async Task<IVm> RunAsync(EngineHost host, bool secure, string iso, CdromBus bus)
    {
        var capabilities = await host.Engine.ProbeAsync(host.Deadline);
        var firmware = secure ? capabilities.SecureUefi : capabilities.Uefi;
        Assert.NotNull(firmware);
        var nvram = Path.Combine(host.Folder, "nvram");
        File.Copy(firmware.VarsTemplatePath, nvram);
        var vm = await host.Engine.StartPausedAsync(await host.BareAsync() with
        {
            MemoryMiB = 256,
            Firmware = new FirmwareDefinition { Kind = FirmwareKind.Uefi, SecureBoot = secure, CodePath = firmware.CodePath, NvramPath = nvram },
            Cdroms = [new CdromDefinition { Slot = 0, Path = iso, Bus = bus, BootIndex = 1 }],
        }, host.Deadline);
        await vm.ContinueAsync(permit: null, host.Deadline);
        return vm;
    }
}
