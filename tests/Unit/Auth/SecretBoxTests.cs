using System.Text;
using CsCheck;
using Lamina.Server;
using Lamina.Server.Auth;
using Lamina.Testing;

namespace Lamina.Tests.Unit.Auth;

public sealed class SecretBoxTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string KeyFile => _folder.File("secrets/box.key");

    [Fact]
    public void ManyAtOnceDoNotSpoilEachOther()
    {
        using var box = SecretBox.Open(KeyFile);
        byte[] plain = new byte[4096];
        Parallel.For(0, 2000, new ParallelOptions { MaxDegreeOfParallelism = 8 }, index => Assert.Equal(plain, box.Unseal($"{index}", box.Seal($"{index}", plain))));
    }

    [Fact]
    public void AnyChangedByteIsRefused()
    {
        using var box = SecretBox.Open(KeyFile);
        byte[] sealedValue = box.Seal("a", "password"u8);
        for (int i = 0; i < sealedValue.Length; i++)
        {
            byte[] changed = [.. sealedValue];
            changed[i] ^= 1;
            Assert.Throws<ProblemException>(() => box.Unseal("a", changed));
        }
    }

    [Fact]
    public void AValueUnderAnotherIdIsRefused()
    {
        using var box = SecretBox.Open(KeyFile);
        Assert.Throws<ProblemException>(() => box.Unseal("b", box.Seal("a", "password"u8)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(28)]
    public void WhatIsTooShortIsRefused(int length)
    {
        using var box = SecretBox.Open(KeyFile);
        Assert.Throws<ProblemException>(() => box.Unseal("a", new byte[length]));
    }

    [Fact]
    public void ADamagedKeyIsNeverReplaced()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(KeyFile)!);
        File.WriteAllText(KeyFile, "short");
        Assert.Equal("secrets.keyInvalid", Assert.Throws<ProblemException>(() => SecretBox.Open(KeyFile)).Code);
        Assert.Equal("short", File.ReadAllText(KeyFile));
    }

    [Fact]
    public void AnythingSealedOpensAfterARestart() => Gen.String.Sample(text =>
    {
        byte[] sealedValue;
        using (var box = SecretBox.Open(KeyFile)) sealedValue = box.Seal("a", Encoding.UTF8.GetBytes(text));
        using var again = SecretBox.Open(KeyFile);
        Assert.Equal(Encoding.UTF8.GetBytes(text), again.Unseal("a", sealedValue));
    }, iter: 50, threads: 1);

    [Fact]
    public void TheSameTextIsSealedDifferentlyEachTime()
    {
        using var box = SecretBox.Open(KeyFile);
        Assert.NotEqual(box.Seal("a", "password"u8), box.Seal("a", "password"u8));
    }

    [Fact]
    public void TheKeyIsForRootOnly()
    {
        using var box = SecretBox.Open(KeyFile);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(KeyFile));
    }

    public void Dispose() => _folder.Dispose();
}
