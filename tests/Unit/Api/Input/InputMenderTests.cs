using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Api.Input;
using Xunit;

namespace Lamina.Tests.Unit.Api.Input;

public class InputMenderTests
{
    [Theory]
    [InlineData("null")]
    [InlineData("5")]
    [InlineData("[]")]
    public void WhatIsNoObjectCannotBeMended(string json) => Assert.Null(InputMender.TryRead(JsonNode.Parse(json), ApiJson.Default.VmCreate));

    [Fact]
    public void ARequiredPartThatCannotBeReadMakesItsWholeUnreadable() =>
        Assert.Null(InputMender.TryRead(JsonNode.Parse("""{"subject":"user:a","scope":"*","role":"king"}"""), ApiJson.Default.Binding));

    [Fact]
    public void WhatIsWrongIsLeftOutAndTheRestStays()
    {
        var mended = InputMender.TryRead(
            JsonNode.Parse("""{"cpus":"x","memoryMiB":256,"bogus":1,"tags":["a",5],"limits":{"cpuPercent":7,"x":1},"kernel":{"initrd":"i"}}"""),
            ApiJson.Default.VmCreate)!;
        Assert.Equal(("", null, 256, null, 7), (mended.Name, mended.Cpus, mended.MemoryMiB, mended.Tags, mended.Limits!.CpuPercent));
        Assert.Equal("", mended.Kernel!.Kernel);
    }

    [Fact]
    public void RulesAboutWhatWasLeftOutAreNotRepeated()
    {
        InputProblem[] form = [Problem("$.x", "member.unknown"), Problem("$.cpus", "type.wrong"), Problem("$.disks[0].sizeBytes", "type.wrong")];
        InputProblem[] rules = [Problem("$.cpus", "r"), Problem("$.disks", "r"), Problem("$", "r"), Problem("$.name", "r"), Problem("$.x", "r")];
        Assert.Equal(
            ["$.x", "$.cpus", "$.disks[0].sizeBytes", "$.name", "$.x"],
            InputMender.Join(form, rules).Select(problem => problem.Path));
    }

    private static InputProblem Problem(string path, string code) => new() { Path = path, Code = code, Message = "m" };
}
