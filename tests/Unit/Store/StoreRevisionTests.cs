using Lamina.Server.Store;
using Xunit;

namespace Lamina.Tests.Unit.Store;

public sealed class StoreRevisionTests
{
    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("12")]
    [InlineData("-12")]
    [InlineData("abc-")]
    [InlineData("abc-+1")]
    [InlineData("abc- 1")]
    [InlineData("abc-99999999999999999999")]
    public void What_is_no_revision_is_not_taken_for_one(string? text) => Assert.False(StoreRevision.TryParse(text, out _));

    [Fact]
    public void A_revision_reads_back()
    {
        var revision = new StoreRevision("0a1b2c3d4e5f", 42);
        Assert.Equal("0a1b2c3d4e5f-42", revision.ToString());
        Assert.True(StoreRevision.TryParse("0a1b2c3d4e5f-42", out var read));
        Assert.Equal(revision, read);
    }
}
