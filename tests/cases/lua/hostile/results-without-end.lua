-- expect: R421 R422 R423 3-9
function InterpretHealth(observedObj)
  local function f(n)
    if n == 0 then
      return
    end
    return 1, f(n - 1)
  end
  return (f(1e6)) == 1 and f
end
