using CsCheck;
using Lamina.Server.Http;
using Xunit;

namespace Lamina.Tests.Unit.Http;

public class PageRequestTests
{
    [Theory]
    [InlineData("!")]
    [InlineData("a")]
    [InlineData("_w")]
    public void AForeignCursorIsNone(string cursor) => Assert.Null(PageRequest.Decode(cursor));

    [Fact]
    public void CursorsComeBack() => Gen.Char.Where(character => !char.IsSurrogate(character)).Array[0, 40]
        .Sample(characters => Assert.Equal(new string(characters), PageRequest.Decode(PageRequest.Encode(new string(characters)))));

    /// <summary>Whatever the list and the limit: the pages together are the list, in order, each entry once.</summary>
    [Fact]
    public void PagesTogetherAreTheList() => AssertPages(_ => true);

    /// <summary>Also where so many are left out that one look at the list does not fill a page.</summary>
    [Fact]
    public void PagesTogetherAreWhatIsShownOfTheList() => AssertPages(number => number % 13 == 0);

    private static void AssertPages(Func<int, bool> isShown) => Gen.Select(Gen.Int[0, 200].HashSet[0, 60], Gen.Int[1, 20]).Sample((numbers, limit) =>
    {
        var seen = new List<string>();
        string? cursor = null;
        do
        {
            var page = new PageRequest(limit, cursor is null ? null : PageRequest.Decode(cursor)).Cut(numbers, Name, number => isShown(number) ? Name(number) : null);
            Assert.True(page.Items.Count <= limit);
            seen.AddRange(page.Items);
            cursor = page.Next;
        }
        while (cursor is not null);
        Assert.Equal(numbers.Order().Where(isShown).Select(Name), seen);
    });

    private static string Name(int number) => $"{number:x4}";
}
