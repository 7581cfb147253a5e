using System.Text;
using System.Xml;
using Lamina.Api;
using Lamina.Server.OperatingSystems;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lamina.Tests.Unit.OperatingSystems;

public class OperatingSystemTests
{
    private const string Old = """
        <libosinfo version="0.0.1"><os id="http://x/old"><short-id>old</short-id><short-id>old-alias</short-id><name xml:lang="de">Alt</name><name>Old</name>
        <family>other</family><release-date>2015-02-03</release-date><devices><device id="http://pcisig.com/pci/1af4/1001"/><device id="http://pcisig.com/pci/1af4/1000"/></devices>
        <resources arch="all"><minimum><ram>1048576</ram></minimum></resources>
        <resources arch="x86_64"><minimum><n-cpus>2</n-cpus><ram>2147483648</ram><storage>10</storage></minimum><recommended><ram>4294967296</ram></recommended></resources>
        <resources arch="s390x"><minimum><ram>1</ram></minimum></resources>
        <media arch="x86_64" live="true"><variant id="v"/><iso><volume-id>^OLD \d+$</volume-id><publisher-id>ACME</publisher-id></iso><kernel>x</kernel></media>
        <media arch="aarch64"><iso><volume-id>ARM</volume-id></iso></media><unknown><deep/></unknown></os></libosinfo>
        """;

    private const string New = """
        <libosinfo version="0.0.1"><os id="http://x/new"><short-id>new</short-id><name>New</name><family>other</family><derives-from id="http://x/old"/><release-date>2024-01-01</release-date>
        <firmware arch="x86_64" type="efi"/><firmware arch="x86_64" type="bios" supported="false"/><devices><device id="http://pcisig.com/pci/1af4/1000" supported="false"/></devices>
        <media arch="x86_64"><iso><volume-id>^OLD 7$</volume-id></iso></media></os></libosinfo>
        """;

    private static IReadOnlyList<OsinfoEntry> Parse(string xml) => OsinfoParser.Parse(new MemoryStream(Encoding.UTF8.GetBytes(xml)));

    private static OperatingSystemCatalogue Catalogue(params string[] files) => OperatingSystemCatalogue.Of(files.SelectMany(Parse));

    [Theory]
    [InlineData("nonsense")]
    [InlineData("<libosinfo><os id='x'>")]
    [InlineData("<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><libosinfo><os id='x'><name>&b;</name></os></libosinfo>")]
    public void What_is_no_XML_or_asks_for_files_is_refused(string text) => Assert.ThrowsAny<XmlException>(() => Parse(text));

    [Fact]
    public void An_entry_is_read_as_far_as_it_concerns_this_machine()
    {
        var system = Catalogue(Old).Find("OLD-alias")!;
        Assert.Equal(("old", "Old", "other", new DateOnly(2015, 2, 3)), (system.Id, system.Name, system.Family, system.Released));
        Assert.Equal(new OperatingSystemResources { Cpus = 2, MemoryMiB = 2048, DiskBytes = 10 }, system.Minimum);
        Assert.Equal((2, 4096, 10L), (system.Advice.Cpus, system.Advice.MemoryMiB, system.Advice.DiskBytes));
        Assert.Equal((DiskBus.Virtio, NicModel.Virtio, CdromBus.Sata, VmFirmware.Bios), (system.Advice.DiskBus, system.Advice.NicModel, system.Advice.CdromBus, system.Advice.Firmware));
    }

    [Fact]
    public void Devices_are_inherited_unless_they_are_taken_back()
    {
        var advice = Catalogue(New, Old).Find("new")!.Advice;
        Assert.Equal((DiskBus.Virtio, NicModel.E1000, VmFirmware.Uefi, false), (advice.DiskBus, advice.NicModel, advice.Firmware, advice.SecureBoot));
    }

    [Fact]
    public void A_circle_of_descent_ends() =>
        Assert.NotNull(Catalogue("<l><os id='a'><short-id>a</short-id><derives-from id='b'/></os><os id='b'><short-id>b</short-id><clones id='a'/></os></l>").Find("a"));

    [Fact]
    public void A_medium_is_known_by_all_that_is_demanded_and_the_newest_goes_first()
    {
        var catalogue = Catalogue(Old, New);
        Assert.Equal("old", catalogue.Detect(new IsoVolume("OLD 12", Publisher: "ACME INC"))!.Id);
        Assert.Equal("new", catalogue.Detect(new IsoVolume("OLD 7", Publisher: "ACME INC"))!.Id);
        Assert.Null(catalogue.Detect(new IsoVolume("OLD 12")));
        Assert.Null(catalogue.Detect(new IsoVolume("ARM")));
    }

    [Fact]
    public void A_pattern_that_cannot_be_matched_in_linear_time_is_passed_over_and_a_hostile_label_costs_nothing()
    {
        var catalogue = Catalogue("<l><os id='a'><short-id>a</short-id><media><iso><volume-id>x(?!y)</volume-id></iso></media><media><iso><volume-id>(</volume-id></iso></media>"
            + "<media><iso><volume-id>^(a+)+$</volume-id></iso></media></os></l>");
        Assert.Null(catalogue.Detect(new IsoVolume(new string('a', 32) + "!")));
        Assert.Equal("a", catalogue.Detect(new IsoVolume("aaa"))!.Id);
    }

    [Fact]
    public void The_supplement_adds_to_the_database_and_stands_alone_without_it()
    {
        var alone = new OperatingSystemDatabase("/nowhere", NullLogger<OperatingSystemDatabase>.Instance).Catalogue;
        Assert.Equal("debian12", alone.Find("debianbookworm")!.Id);
        Assert.Equal("debian12", alone.Detect(new IsoVolume("Debian 12.7.0 amd64 n"))!.Id);
        var windows = OperatingSystemCatalogue.Of([.. Parse("<l><os id='http://microsoft.com/win/11'><short-id>win11</short-id><name>Windows 11</name><family>winnt</family><release-date>2021-10-05</release-date></os></l>"), .. OperatingSystemDatabase.Supplemented()]).Find("win11")!;
        Assert.Equal((VmFirmware.Uefi, true, true, DiskBus.Sata, NicModel.E1000, VmClock.LocalTime, true, true),
            (windows.Advice.Firmware, windows.Advice.SecureBoot, windows.Advice.Tpm, windows.Advice.DiskBus, windows.Advice.NicModel, windows.Advice.Clock, windows.Advice.HyperV, windows.Advice.NeedsVirtioMedium));
    }

    [Fact]
    public void Every_fact_of_the_supplement_bears_its_source()
    {
        var lines = File.ReadAllText(Lamina.Testing.Repository.PathOf("src", "Server", "OperatingSystems", "operating-systems.xml"));
        Assert.Equal(lines.Split("<os id=").Length - 1, lines.Split("https://").Length - 1 - ExtraSources(lines));
        Assert.All(OperatingSystemDatabase.Supplemented(), entry => Assert.NotEmpty(entry.Url));

        static int ExtraSources(string text) => text.Split("-->").Count(comment => comment.Split("https://").Length > 2);
    }

    [Fact]
    public void A_mistyped_id_is_answered_by_those_near_it() => Assert.Equal(["debian13", "debianbookworm", "debiantrixie"], OperatingSystemCatalogue.Of(OperatingSystemDatabase.Supplemented()).Near("debain12"));
}
