-- expect: R421 4
function InterpretHealth(observedObj)
  table.sort({ 3, 2, 1 }, function()
    error({ cause = {} })
  end)
  return true
end
