using System.Reflection;
using System.Text.Json;
using Lamina.Api;
using Xunit;

namespace Lamina.Tests.Unit.Api;

/// <summary>A record written before a member existed is read with that member's default, not with null or 0.</summary>
public class RecordDefaultsTests
{
    public static TheoryData<Type> Records() =>
        [.. typeof(Vm).Assembly.GetTypes()
            .Where(type => type is { IsAbstract: false, ContainsGenericParameters: false, IsPublic: true, Namespace: "Lamina.Api" } && type.GetMethod("<Clone>$") is not null)];

    [Theory]
    [MemberData(nameof(Records))]
    public void MembersWithADefaultAreNotInitOnly(Type record)
    {
        object empty = Activator.CreateInstance(record)!;
        var lost = record.GetProperties()
            .Where(member => member.SetMethod is { } set
                && set.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(System.Runtime.CompilerServices.IsExternalInit))
                && !Equals(member.GetValue(empty), member.PropertyType.IsValueType ? Activator.CreateInstance(member.PropertyType) : null))
            .Select(member => member.Name);
        Assert.Empty(lost);
    }

    [Fact]
    public void AbsentMembersGetTheirDefaults()
    {
        var spec = JsonSerializer.Deserialize("""{"name":"n","subnet":"10.0.0.0/24"}"""u8, ApiJson.Default.NetworkSpec)!;
        Assert.Equal(1, spec.Schema);
        Assert.Equal(1450, spec.Mtu);
        Assert.Equal(ProjectRecord.DefaultProject, spec.Project);
    }
}
