using System.Text;
using Lamina.Api;
using Lamina.Api.Input;
using Xunit;

namespace Lamina.Tests.Unit.Api.Input;

public class InputCheckerTests
{
    [Theory]
    [InlineData("""{"name":"a","bogus":1}""", "$.bogus", "member.unknown")]
    [InlineData("""{"name":"a","Name":"b"}""", "$.Name", "member.unknown")]
    [InlineData("""{"name":"a","schema":1}""", "$.schema", "member.unknown")]
    [InlineData("""{"name":"a","odd name":1}""", "$['odd name']", "member.unknown")]
    [InlineData("""{}""", "$.name", "member.missing")]
    [InlineData("""{"name":null}""", "$.name", "value.null")]
    [InlineData("""{"name":7}""", "$.name", "type.wrong")]
    [InlineData("""{"name":"a","cpus":"4"}""", "$.cpus", "type.wrong")]
    [InlineData("""{"name":"a","cpus":1.5}""", "$.cpus", "type.wrong")]
    [InlineData("""{"name":"a","cpus":1e3}""", "$.cpus", "type.wrong")]
    [InlineData("""{"name":"a","cpus":2147483648}""", "$.cpus", "value.outOfRange")]
    [InlineData("""{"name":"a","cpus":99999999999999999999999}""", "$.cpus", "value.outOfRange")]
    [InlineData("""{"name":"a","start":"yes"}""", "$.start", "type.wrong")]
    [InlineData("""{"name":"a","start":null}""", "$.start", "value.null")]
    [InlineData("""{"name":"a","firmware":"efi"}""", "$.firmware", "value.unknown")]
    [InlineData("""{"name":"a","firmware":"Uefi"}""", "$.firmware", "value.unknown")]
    [InlineData("""{"name":"a","firmware":1}""", "$.firmware", "type.wrong")]
    [InlineData("""{"name":"a","disks":{}}""", "$.disks", "type.wrong")]
    [InlineData("""{"name":"a","disks":[null]}""", "$.disks[0]", "value.null")]
    [InlineData("""{"name":"a","disks":[{},{"sizeBytes":true}]}""", "$.disks[1].sizeBytes", "type.wrong")]
    [InlineData("""{"name":"a","tags":["x",5]}""", "$.tags[1]", "type.wrong")]
    [InlineData("""{"name":"a","kernel":{"initrd":"i"}}""", "$.kernel.kernel", "member.missing")]
    [InlineData("""[]""", "$", "type.wrong")]
    [InlineData("""null""", "$", "value.null")]
    public void SaysWhereAndWhatIsWrong(string json, string path, string code)
    {
        var problem = Assert.Single(ProblemsOf(json));
        Assert.Equal((path, code), (problem.Path, problem.Code));
        Assert.NotEmpty(problem.Message);
    }

    [Theory]
    [InlineData("{", "json.invalid")]
    [InlineData("""{"name":"a","name":"b"}""", "json.invalid")]
    [InlineData("""{"name":"a"} x""", "json.invalid")]
    [InlineData("""{"name":"\ud800"}""", "value.invalid")]
    public void RefusesWhatIsNoJson(string json, string code) => Assert.Equal(code, Assert.Single(ProblemsOf(json)).Code);

    [Fact]
    public void RefusesAnEmptyBody() => Assert.Equal("value.null", Assert.Single(ProblemsOf("")).Code);

    [Fact]
    public void ReportsEveryProblemAtOnce()
    {
        var problems = ProblemsOf("""{"cpu":2,"memoryMiB":"1GiB","nics":[{"kind":"wifi"}],"start":1}""");
        Assert.Equal(["$.cpu", "$.memoryMiB", "$.nics[0].kind", "$.start", "$.name"], problems.Select(problem => problem.Path));
        Assert.Contains("'cpus'", problems[0].Message, StringComparison.Ordinal);
        Assert.Contains("network, user", problems[2].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ReadsWhatIsRight()
    {
        var create = InputReader.Read(
            """{"name":"web1","cpus":4,"disks":[{"sizeBytes":10737418240,"bus":"scsi"}],"nics":[],"firmware":"uefi","image":null,"tags":["a"],"start":true}"""u8,
            ApiJson.Default.VmCreate);
        Assert.Equal(("web1", 4, 10737418240, VmFirmware.Uefi, true), (create.Name, create.Cpus, create.Disks![0].SizeBytes, create.Firmware, create.Start));
        Assert.Equal(DiskBus.Scsi, create.Disks[0].Bus);
        Assert.Empty(create.Nics!);
        Assert.Null(create.Image);
    }

    [Fact]
    public void ChecksTimes()
    {
        Assert.Equal("$.expiresAt", Assert.Single(ProblemsOf("""{"name":"t","expiresAt":"tomorrow"}""", ApiJson.Default.TokenCreate)).Path);
        Assert.NotNull(InputReader.Read("""{"name":"t","expiresAt":"2030-01-31T12:00:00Z"}"""u8, ApiJson.Default.TokenCreate).ExpiresAt);
    }

    private static IReadOnlyList<InputProblem> ProblemsOf(string json) => ProblemsOf(json, ApiJson.Default.VmCreate);

    private static IReadOnlyList<InputProblem> ProblemsOf<T>(string json, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        where T : class =>
        Assert.Throws<InputException>(() => InputReader.Read(Encoding.UTF8.GetBytes(json), type)).Problems;
}
