using System.Security.Cryptography;
using Lamina.Server.Migration.Cold;
using Lamina.Testing;
using Xunit;

namespace Lamina.Tests.Unit.Migration;

/// <summary>Files on the wire: holes stay holes, and what is damaged or cut short is not taken.</summary>
public sealed class ColdFramesTests : IDisposable
{
    private const int Head = 12;
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task AFileArrivesAsItWasAndItsHolesAreNotSent()
    {
        byte[] content = Content();
        var wire = await SendAsync(content);
        Assert.InRange(wire.Length, 3 << 20, (3 << 20) + (1 << 19));
        string arrived = await ReceiveAsync(wire, content.Length);
        Assert.Equal(Convert.ToHexString(SHA256.HashData(content)), Convert.ToHexString(SHA256.HashData(await File.ReadAllBytesAsync(arrived, Token))));
    }

    [Fact]
    public async Task AnEmptyFileArrives() => Assert.Empty(await File.ReadAllBytesAsync(await ReceiveAsync(await SendAsync([]), 0), Token));

    [Fact]
    public async Task WhatIsDamagedIsNotTaken()
    {
        byte[] wire = await SendAsync(Content());
        wire[Head + 1000] ^= 1;
        await Assert.ThrowsAsync<InvalidDataException>(() => ReceiveAsync(wire, Content().Length));
    }

    [Fact]
    public async Task WhatIsCutShortIsNotTaken()
    {
        byte[] wire = await SendAsync(Content());
        foreach (int length in new[] { 0, Head - 1, wire.Length / 2, wire.Length - 1 })
            await Assert.ThrowsAnyAsync<EndOfStreamException>(() => ReceiveAsync(wire[..length], Content().Length));
    }

    [Theory]
    [InlineData(-1, 8)]
    [InlineData(1 << 20, 8)]
    [InlineData(0, -5)]
    [InlineData(0, 2 << 20)]
    public async Task APieceOutsideOfTheFileIsNotTaken(long offset, int count)
    {
        byte[] wire = new byte[Head + 64];
        BitConverter.TryWriteBytes(wire, offset);
        BitConverter.TryWriteBytes(wire.AsSpan(8), count);
        await Assert.ThrowsAsync<InvalidDataException>(() => ReceiveAsync(wire, 1 << 20));
    }

    /// <summary>Two pieces with a hole of 16 MiB between them, and one at the end.</summary>
    private static byte[] Content()
    {
        byte[] content = new byte[20 << 20];
        var random = new Random(7);
        random.NextBytes(content.AsSpan(0, 3 << 19));
        random.NextBytes(content.AsSpan(content.Length - (3 << 19)));
        return content;
    }

    private async Task<byte[]> SendAsync(byte[] content)
    {
        string path = _folder.File(Guid.NewGuid().ToString("N"));
        using (var made = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite))
        {
            RandomAccess.SetLength(made, content.Length);
            for (int offset = 0; offset < content.Length; offset += 1 << 16)
            {
                var piece = content.AsMemory(offset, Math.Min(1 << 16, content.Length - offset));
                if (piece.Span.ContainsAnyExcept((byte)0)) RandomAccess.Write(made, piece.Span, offset);
            }
        }

        using var file = File.OpenHandle(path);
        using var wire = new MemoryStream();
        long told = 0;
        await ColdFrames.WriteAsync(
            file,
            wire,
            count =>
            {
                told += count;
                return Task.CompletedTask;
            },
            Token);
        Assert.True(told <= wire.Length && (told > 0 || content.Length == 0), "what is sent is told");
        return wire.ToArray();
    }

    private async Task<string> ReceiveAsync(byte[] wire, long sizeBytes)
    {
        string path = _folder.File(Guid.NewGuid().ToString("N"));
        using var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite);
        using var stream = new MemoryStream(wire);
        await ColdFrames.ReadAsync(stream, file, sizeBytes, static _ => { }, Token);
        return path;
    }
}
