using CsCheck;
using Lamina.Server.Store;
using Xunit;

namespace Lamina.Tests.Unit.Store;

public sealed class StoreKeysTests
{
    [Theory]
    [InlineData("vms/", "vms0")]
    [InlineData("a", "b")]
    [InlineData("\uD7FF", "\uE000")]
    [InlineData("a\U0010FFFF", "b")]
    [InlineData("\U0010FFFF", null)]
    [InlineData("", null)]
    public void The_end_of_a_prefix_is_the_next_key_above_it(string prefix, string? end) => Assert.Equal(end, StoreKeys.EndOf(prefix));

    [Fact]
    public void Every_key_with_the_prefix_is_below_its_end_and_every_other_is_not_between() =>
        Gen.Select(Text, Text).Sample((prefix, key) =>
        {
            string? end = StoreKeys.EndOf(prefix);
            bool between = Compare(key, prefix) >= 0 && (end is null || Compare(key, end) < 0);
            return between == key.StartsWith(prefix, StringComparison.Ordinal);
        });

    private static readonly Gen<string> Text = Gen.OneOf(
        Gen.Char['a', 'c'].Select(letter => letter.ToString()),
        Gen.Int[0, 4].Select(index => new[] { "\uD7FF", "\uE000", "\uFFFF", "\U00010000", "\U0010FFFF" }[index])).Array[0, 3].Select(string.Concat);

    private static int Compare(string left, string right) =>
        System.Text.Encoding.UTF8.GetBytes(left).AsSpan().SequenceCompareTo(System.Text.Encoding.UTF8.GetBytes(right));
}
