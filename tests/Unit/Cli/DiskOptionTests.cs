using Lamina.Api;
using Lamina.Cli;
using Lamina.Cli.Vms;

namespace Lamina.Tests.Unit.Cli;

public sealed class DiskOptionTests
{
    private const long GiB = 1L << 30;

    [Theory]
    [InlineData("ten")]
    [InlineData("size=")]
    [InlineData("10GiB,pol=fast")]
    [InlineData("10GiB,bus=ide")]
    [InlineData("10GiB,bus=7")]
    public void ADiskThatIsNoneIsRefused(string text) => Assert.Equal(ExitCode.Usage, Assert.Throws<CliException>(() => DiskOption.Parse(text)).ExitCode);

    [Fact]
    public void ADiskIsReadAsPeopleWriteIt()
    {
        Assert.Equal(new VmDiskCreate { SizeBytes = 10 * GiB }, DiskOption.Parse("10GiB"));
        Assert.Equal(new VmDiskCreate { SizeBytes = 10 * GiB, Pool = "fast", Bus = DiskBus.Scsi }, DiskOption.Parse("10GiB,pool=fast,bus=scsi"));
        Assert.Equal(new VmDiskCreate { Image = "data", Pool = "fast" }, DiskOption.Parse("image=data, pool=fast"));
    }

    [Fact]
    public void WhatIsSaidOfAllDisksIsSaidOfThoseThatNameNothingElse() => Assert.Equal(
        [
            new VmDiskCreate { SizeBytes = 10 * GiB, Image = "debian/12", Pool = "slow", Bus = DiskBus.Sata },
            new VmDiskCreate { SizeBytes = 20 * GiB, Pool = "fast", Bus = DiskBus.Scsi },
        ],
        DiskOption.Read(["10GiB", "20GiB,pool=fast,bus=scsi"], "debian/12", "slow", DiskBus.Sata)!);

    [Fact]
    public void NoDiskIsSomethingElseThanNoWordOfDisks()
    {
        Assert.Empty(DiskOption.Read(["none"], null, null, null)!);
        Assert.Null(DiskOption.Read([], null, "fast", null));
        Assert.Null(DiskOption.Read([], "debian/12", null, null));
        Assert.Equal(new VmDiskCreate { Image = "debian/12", Pool = "fast" }, Assert.Single(DiskOption.Read([], "debian/12", "fast", null)!));
        Assert.Throws<CliException>(() => DiskOption.Read(["none"], "debian/12", null, null));
    }
}
