using System.Security.Cryptography;
using Lamina.Server;
using Lamina.Server.Upgrades;
using Lamina.Testing;

namespace Lamina.Tests.Unit.Upgrades;

public sealed class UpgradeSignatureTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WithoutAPinnedKeyAnyPackageIsTaken()
    {
        using var folder = new TemporaryFolder();
        await new UpgradeSignature(null).CheckAsync(Package(folder), null, Token);
    }

    [Fact]
    public async Task APinnedKeyRefusesWhatIsNotSignedByIt()
    {
        using var folder = new TemporaryFolder();
        using var own = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string package = Package(folder);
        var signature = new UpgradeSignature(Pin(folder, own.ExportSubjectPublicKeyInfoPem()));
        foreach (string? wrong in (string?[])[null, "", "not base64", Sign(other, package)]) await RefusedAsync(signature, package, wrong);
        await signature.CheckAsync(package, Sign(own, package), Token);
        await File.AppendAllTextAsync(package, "more", Token);
        await RefusedAsync(signature, package, Sign(other, package));
    }

    [Fact]
    public async Task AnRsaKeyServesToo()
    {
        using var folder = new TemporaryFolder();
        using var own = RSA.Create(2048);
        string package = Package(folder);
        byte[] signed = own.SignData(await File.ReadAllBytesAsync(package, Token), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        await new UpgradeSignature(Pin(folder, own.ExportSubjectPublicKeyInfoPem())).CheckAsync(package, Convert.ToBase64String(signed), Token);
    }

    [Fact]
    public async Task AFileThatIsNoKeyTakesNothing()
    {
        using var folder = new TemporaryFolder();
        await RefusedAsync(new UpgradeSignature(Pin(folder, "nonsense")), Package(folder), "AAAA");
    }

    private static async Task RefusedAsync(UpgradeSignature signature, string package, string? given) =>
        Assert.Equal("upgrade.signature", (await Assert.ThrowsAsync<ProblemException>(() => signature.CheckAsync(package, given, Token))).Code);

    private static string Package(TemporaryFolder folder)
    {
        string file = Path.Combine(folder.Path, "lamina.deb");
        File.WriteAllText(file, "a package");
        return file;
    }

    private static string Pin(TemporaryFolder folder, string pem)
    {
        string file = Path.Combine(folder.Path, "key.pem");
        File.WriteAllText(file, pem);
        return file;
    }

    private static string Sign(ECDsa key, string file) => Convert.ToBase64String(key.SignData(File.ReadAllBytes(file), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
}
